import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChangeLog } from '../../../runtime/state/change-log.ts'
import { RunStore } from '../../../runtime/state/run-store.ts'
import { turn, entriesOf } from '../../contract/state-harness.ts'
import { ChangePlay, KEYS, LateFiles, MAPS, type Step } from './change-play.ts'

const map = fc.nat({ max: MAPS - 1 })
const key = fc.nat({ max: KEYS - 1 })
const value = fc.integer({ min: 1, max: 255 })
const count = fc.integer({ min: 1, max: 12 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), map, key, value }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('evict' as const), map, key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), map, key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const), map }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('log' as const), key, value: fc.nat({ max: 3 }) }),
  },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'work' }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('land', 'read'), count }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('barrier' as const),
      before: fc.constantFrom('completed', 'aborted', 'untold'),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'abort' }) },
)

/** A log whose entries of 100 bytes are evicted at once. */
function evicting(
  late: LateFiles,
  shareBytes: number,
  failed: (error: unknown) => void = () => {},
) {
  const store = new RunStore({
    fileSystem: late.files,
    directory: '/work',
    shareBytes,
    wake() {},
    fail: failed,
  })
  const log = new ChangeLog({ store, keyGroups: 1 })
  const add = (n: number): void => {
    const key = Buffer.alloc(4)
    key.writeUInt32BE(n)
    log.log(key, new Uint8Array(96).fill(n & 0xff))
  }
  return { log, add }
}

const isOver = (): boolean => true

describe('changes that are too many for memory', () => {
  it('go to files and make up with the rest the state at each barrier, whatever is evicted, cleared, aborted or slow (R24, R25)', async () => {
    let most = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 300, size: 'max' }),
        fc.constantFrom(1, 60, 300),
        fc.constantFrom(2, 4, 64),
        async (steps, shareBytes, maxRuns) => {
          const files = await new ChangePlay({ shareBytes, maxRuns }).run(steps)
          most = Math.max(most, files)
        },
      ),
      { numRuns: 100 },
    )
    expect(most).toBeGreaterThan(3)
  })

  it('take no more memory than their share and what is under way, however many there are between two barriers (R22)', async () => {
    const late = new LateFiles()
    const { log, add } = evicting(late, 100_000)
    let most = 0
    let waits = 0
    for (let i = 0; i < 30_000; i++) {
      add((i * 7_919) % 25_000)
      if (i % 50 === 0) log.work(isOver)
      for (; log.isExceeded; waits++) {
        log.work(isOver)
        await late.land(1)
      }
      most = Math.max(most, log.memoryBytes)
    }
    expect(waits).toBeGreaterThan(10)
    // 30,000 entries of 124 bytes are 3.7 MB.
    expect(most).toBeLessThan(600_000)
    const snapshot = log.begin(1, 0)
    while (log.work(isOver));
    let before = -1
    let count = 0
    for (const { key } of entriesOf(snapshot)) {
      const n = Buffer.from(key).readUInt32BE()
      expect(n).toBeGreaterThan(before)
      before = n
      count++
    }
    expect(count).toBe(25_000)
  })

  it('take about twice the bytes of what has changed, however often it changes (R22)', async () => {
    const late = new LateFiles()
    const { log, add } = evicting(late, 10_000)
    let most = 0
    for (let i = 0; i < 50_000; i++) {
      add(i % 1_000)
      if (i % 50 === 0) log.work(isOver)
      await late.land(i % 50 === 0 ? 20 : 0)
      most = Math.max(most, late.files.bytes)
    }
    // 5 MB have been written; 100 KB is the state, and 128 runs of 10 KB each may wait to be merged.
    expect(most).toBeLessThan(3_000_000)
  })

  it('are written to no file while they are few, nor is anything read for them', async () => {
    const late = new LateFiles()
    const { log, add } = evicting(late, 1_024 * 1_024)
    for (let i = 0; i < 5_000; i++) {
      add(i)
      log.work(isOver)
    }
    expect(late.tasks.length).toBe(0)
    const snapshot = log.begin(1, 0)
    while (log.work(isOver));
    expect([...entriesOf(snapshot)].length).toBe(5_000)
  })

  it('end the attempt when they cannot be written, as its working copy does', async () => {
    const late = new LateFiles()
    const failures: unknown[] = []
    const { log, add } = evicting(late, 1_000, (error) => failures.push(error))
    late.files.create = () => Promise.reject(new Error('no space left'))
    for (let i = 0; i < 100; i++) add(i)
    log.work(isOver)
    await turn()
    expect(failures).toMatchObject([{ code: 'MR_STATE_FAILED', fields: { directory: '/work' } }])
  })

  it('are read again as they were written, or not at all', async () => {
    const late = new LateFiles()
    const { log, add } = evicting(late, 1_000)
    for (let i = 0; i < 100; i++) add(i)
    log.work(isOver)
    await late.land(100)
    const [name] = late.files.names
    const bytes = late.files.bytesOf(name!)
    bytes[bytes.length >> 1]! ^= 1
    const snapshot = log.begin(1, 0)
    while (log.work(isOver));
    expect(() => [...entriesOf(snapshot)]).toThrow(/MR_STATE_FAILED|damaged at byte/)
    bytes[bytes.length >> 1]! ^= 1
    expect([...entriesOf(snapshot)].length).toBe(100)
  })

  it('cannot be read any more once their checkpoint has been given up (R24)', async () => {
    const late = new LateFiles()
    const { log, add } = evicting(late, 1_000)
    for (let i = 0; i < 100; i++) add(i)
    log.work(isOver)
    await late.land(100)
    const snapshot = log.begin(1, 0)
    while (log.work(isOver));
    const reading = entriesOf(snapshot)
    expect(reading.next().done).toBe(false)
    log.abort(1)
    expect(() => reading.next()).toThrow(/after it is over/)
    const next = log.begin(2, 0)
    while (log.work(isOver));
    expect([...entriesOf(next)].length).toBe(100)
  })
})
