/**
 * One run of the spill benchmark, in a process of its own: reads and rewrites one of many values of 90 characters, again and
 * again, in a backend with a small cache or in a bare LevelDB.
 *
 * `node -C @millrace/source bench/spill-run.ts FOLDER leveldb|backend uniform|zipf KEYS UPDATES CACHE_MB`
 */
import { join } from 'node:path'
import { Level } from 'level'
import { ByteWriter } from '../runtime/bytes.ts'
import { SeededRandom } from '../runtime/clock.ts'
import { keyGroupOf } from '../runtime/key-group.ts'
import { writeEntryValue, writePrefix } from '../runtime/state/snapshot-format.ts'
import { valueState } from '../runtime/state/state.ts'
import { clock, openBackend, rest } from './spilling-backend.ts'

const [folder, what, access, keyCount, updateCount, cacheMb] = process.argv.slice(2) as [
  string,
  'leveldb' | 'backend',
  'uniform' | 'zipf',
  string,
  string,
  string,
]
const MAX_PARALLELISM = 128
const MIB = 1_024 * 1_024
const BATCH_OPERATIONS = 1_024
const keys = Number(keyCount)
const updates = Number(updateCount)

/** The keys to be updated, drawn before the time that is measured. */
function drawn(): Int32Array {
  const random = new SeededRandom(20_261_126)
  const sequence = new Int32Array(updates)
  if (access === 'uniform') {
    for (let i = 0; i < updates; i++) sequence[i] = Math.floor(random.next() * keys)
    return sequence
  }
  // Zipf with exponent 1: the key of rank r has weight 1 / r.
  const sums = new Float64Array(keys)
  let sum = 0
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += 1 / (rank + 1)
  for (let i = 0; i < updates; i++) {
    const wanted = random.next() * sum
    let low = 0
    let high = keys - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sums[middle]! < wanted) low = middle + 1
      else high = middle
    }
    // Ranks are spread over all keys.
    sequence[i] = (low * 7_919) % keys
  }
  return sequence
}

const text = 'x'.repeat(90)

async function inLevelDb(sequence: Int32Array): Promise<() => Promise<number>> {
  const database = new Level<Uint8Array, Uint8Array>(join(folder, 'bare'), {
    keyEncoding: 'view',
    valueEncoding: 'buffer',
  })
  await database.open()
  const groups = Uint16Array.from({ length: keys }, (_, key) => keyGroupOf(key, MAX_PARALLELISM))
  const value = new ByteWriter()
  writeEntryValue(value, 1, text, 'bench')
  const bytes = value.copy()
  const keyOf = (key: number): Uint8Array => {
    const writer = new ByteWriter(32)
    writePrefix(writer, { keyGroup: groups[key]!, key, namespace: undefined }, 1)
    return writer.copy()
  }
  let batch = database.batch()
  let writing: Promise<void> | undefined
  /** One batch is under way at a time, as the backend does it. */
  const flush = async (): Promise<void> => {
    const full = batch
    batch = database.batch()
    await writing
    writing = full.write()
  }
  for (let key = 0; key < keys; key++) {
    batch.put(keyOf(key), bytes)
    if (batch.length === BATCH_OPERATIONS) await flush()
  }
  await flush()
  return async () => {
    for (let i = 0; i < updates; i++) {
      const key = keyOf(sequence[i]!)
      batch.put(key, database.getSync(key)!)
      if (batch.length === BATCH_OPERATIONS) await flush()
    }
    await flush()
    await writing
    return process.memoryUsage.rss()
  }
}

async function inBackend(sequence: Int32Array): Promise<() => Promise<number>> {
  const backend = openBackend({
    directory: join(folder, 'state'),
    cacheMb: Number(cacheMb),
    maxParallelism: MAX_PARALLELISM,
  })
  const state = backend.register(1, 'bench', { ...valueState<string>(), name: 'text' })
  await backend.restore([])
  let checkpointId = 0
  const update = (key: number): void => {
    backend.setCurrentKey(key)
    state.update(state.value() ?? text)
    backend.clearCurrent()
  }
  /** A checkpoint, whose entries are read as its segment would be written. */
  const checkpoint = async (): Promise<void> => {
    const snapshot = backend.beginSnapshot(++checkpointId, checkpointId - 1)
    while (!snapshot.isEncoded) await rest(backend)
    const entries = snapshot.entries()
    while (entries.next()) if (entries.keyEnd === entries.keyStart) throw new Error('no key')
    backend.checkpointCompleted(checkpointId)
  }
  const run = async (count: number, keyAt: (i: number) => number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      update(keyAt(i))
      if (i % 256 === 0) await rest(backend)
      if (i % 250_000 === 249_999) await checkpoint()
    }
  }
  await run(keys, (i) => i)
  return async () => {
    await run(updates, (i) => sequence[i]!)
    return process.memoryUsage.rss()
  }
}

const sequence = drawn()
const run = await (what === 'leveldb' ? inLevelDb(sequence) : inBackend(sequence))
const begun = clock.elapsed()
const cpu = process.cpuUsage()
const rss = await run()
const ms = clock.elapsed() - begun
const { user, system } = process.cpuUsage(cpu)
console.log(
  JSON.stringify({
    perSecond: Math.round((updates * 1_000) / ms),
    cpuSeconds: Math.round((user + system) / 1e3) / 1e3,
    rssMb: Math.round(rss / MIB),
  }),
)
process.exit(0)
