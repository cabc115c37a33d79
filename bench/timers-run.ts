/** The backend of the timers benchmark, in a process of its own: registers so many timers, and fires them all. */
import { join } from 'node:path'
import { keyGroupOf } from '../runtime/key-group.ts'
import type { StateSnapshot } from '../runtime/state/state-backend.ts'
import { clock, openBackend, rest } from './spilling-backend.ts'

const [folder, timerCount, cacheMb] = process.argv.slice(2) as [string, string, string]
const MAX_PARALLELISM = 1_024
const MIB = 1_024 * 1_024
/** Timers are due within this: an hour, in ms. */
const SPAN = 3_600_000
const count = Number(timerCount)

let wake = (): void => {}
let wakes = 0
const backend = openBackend({
  directory: join(folder, 'state'),
  cacheMb: Number(cacheMb),
  maxParallelism: MAX_PARALLELISM,
  wake() {
    wakes++
    wake()
  },
})
const timers = backend.timers('bench', 1, 2)
await backend.restore([])

let peakHeap = 0
let peakInMemory = 0
let checkpointId = 0
let snapshot: StateSnapshot | undefined
let entries = 0
/** Takes a checkpoint after another: each begins when the one before has ended. */
function look(): void {
  if (snapshot?.isEncoded === true) {
    const taken = snapshot.entries()
    while (taken.next()) entries++
    backend.checkpointCompleted(checkpointId)
    snapshot = undefined
  }
  snapshot ??= backend.beginSnapshot(++checkpointId, checkpointId - 1)
  peakHeap = Math.max(peakHeap, process.memoryUsage().heapUsed)
  peakInMemory = Math.max(peakInMemory, backend.memoryBytes)
}

const begun = clock.elapsed()
for (let i = 0; i < count; i++) {
  const key = `customer ${i}`
  backend.setCurrentKey(key, keyGroupOf(key, MAX_PARALLELISM))
  // Spread over the span in no order.
  timers.register('event', (i * 7_919_777) % SPAN)
  backend.clearCurrent()
  if (i % 256 === 0) await rest(backend)
  if (i % 65_536 === 0) look()
}
look()
const registered = clock.elapsed()

let fired = 0
let last = -Infinity
let waits = 0
while (fired < count) {
  const timestamp = timers.pop('event', Infinity)
  if (timestamp === undefined) {
    if (!timers.isWaiting('event')) break
    waits++
    const before = wakes
    backend.work(clock.elapsed() + 5)
    if (wakes === before) await new Promise<void>((resolve) => (wake = resolve))
    continue
  }
  backend.clearCurrent()
  if (timestamp < last) throw new Error(`a timer for ${timestamp} fires after one for ${last}`)
  last = timestamp
  if (++fired % 1_024 === 0) await rest(backend)
  if (fired % 65_536 === 0) look()
}
const ended = clock.elapsed()
await backend.close()
const seconds = (ms: number): number => Math.round(ms / 100) / 10
console.log(
  JSON.stringify({
    timers: count,
    checkpoints: checkpointId,
    entries,
    fired,
    waits,
    registerSeconds: seconds(registered - begun),
    fireSeconds: seconds(ended - registered),
    peakHeapMb: Math.round(peakHeap / MIB),
    peakBudgetMb: Math.round(peakInMemory / MIB),
    peakResidentMb: Math.round(process.resourceUsage().maxRSS / 1_024),
  }),
)
