import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EntryPlace } from '../../../runtime/state/entry-place.ts'
import { EntryRun } from '../../../runtime/state/entry-run.ts'
import { RunMerge } from '../../../runtime/state/run-merge.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { hex, copyEntry } from '../../contract/state-harness.ts'

interface Logged {
  readonly kind: StateEntry['kind']
  readonly key: readonly number[]
  readonly value: number
  /** Whether another run begins behind it. */
  readonly seals: boolean
}

/** Clears have keys of one byte, others of two: below one of them. */
const logged: fc.Arbitrary<Logged> = fc
  .record({
    kind: fc.constantFrom<StateEntry['kind'][]>('put', 'put', 'put', 'delete', 'clear'),
    map: fc.nat({ max: 3 }),
    sub: fc.nat({ max: 3 }),
    value: fc.nat({ max: 255 }),
    seals: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  })
  .map(({ kind, map, sub, value, seals }) => ({
    kind,
    key: kind === 'clear' ? [map] : [map, sub],
    value,
    seals,
  }))

function append(run: EntryRun, { kind, key, value }: Logged): void {
  run.beginEntry(kind)
  for (const byte of key) run.writer.u8(byte)
  run.beginValue()
  if (kind === 'put') run.writer.u8(value)
}

/** What the log amounts to: later entries replace, a clear replaces all before it that begin with its key. */
function expected(log: readonly Logged[]): unknown[] {
  const left = new Map<string, string>()
  for (const { kind, key, value } of log) {
    const name = hex(Uint8Array.from(key))
    if (kind === 'clear')
      for (const other of [...left.keys()]) if (other.startsWith(name)) left.delete(other)
    left.set(name, kind === 'put' ? `put ${value}` : kind)
  }
  return [...left].sort(([a], [b]) => (a < b ? -1 : 1))
}

function found(runs: readonly EntryRun[]): unknown[] {
  const entries: unknown[] = []
  for (const run of runs) {
    for (let position = 0; position < run.length; position++) {
      const place = new EntryPlace()
      run.place(position, place)
      const { key, kind, value } = copyEntry(place)
      entries.push([hex(key), kind === 'put' ? `put ${value[0]}` : kind])
    }
  }
  return entries
}

describe('runs of entries', () => {
  it('sealed, say what was appended in that order: newest wins, a clear removes what came before it', () => {
    fc.assert(
      fc.property(fc.array(logged, { maxLength: 60 }), (log) => {
        const run = new EntryRun()
        for (const entry of log) append(run, entry)
        run.seal()
        expect(found([run])).toEqual(expected(log))
      }),
    )
  })

  it('merged, oldest first, say the same as one run, however they are cut and in whatever steps', () => {
    fc.assert(
      fc.property(
        fc.array(logged, { maxLength: 120 }),
        fc.integer({ min: 1, max: 9 }),
        (log, step) => {
          const runs = [new EntryRun()]
          for (const entry of log) {
            append(runs.at(-1)!, entry)
            if (entry.seals) runs.push(new EntryRun())
          }
          for (const run of runs) run.seal()
          const merge = new RunMerge(runs)
          while (!merge.step(step));
          expect(found(merge.result)).toEqual(expected(log))
          // What was merged can be merged again, with what is newer.
          const again = new RunMerge([...merge.result, ...runs])
          again.step(Infinity)
          expect(found(again.result)).toEqual(expected(log))
        },
      ),
    )
  })

  it('merged say the same where newer ones lie side by side, each of some keys, over older ones', () => {
    const logs = fc.array(logged, { maxLength: 12, size: 'max' })
    fc.assert(
      fc.property(logs, logs, fc.array(fc.nat({ max: 3 })), (older, newer, order) => {
        const first = new EntryRun()
        for (const entry of older) append(first, entry)
        const byMap = new Map([...order, 0, 1, 2, 3].map((map) => [map, new EntryRun()]))
        for (const entry of newer) append(byMap.get(entry.key[0]!)!, entry)
        const runs = [first, ...byMap.values()]
        for (const run of runs) run.seal()
        const merge = new RunMerge(runs)
        merge.step(Infinity)
        expect(found(merge.result)).toEqual(expected([...older, ...newer]))
      }),
      { numRuns: 1_000 },
    )
  })

  it('take back an entry that could not be written', () => {
    const run = new EntryRun()
    append(run, { kind: 'put', key: [1], value: 1, seals: false })
    run.beginEntry('put')
    run.writer.u8(2)
    run.beginValue()
    run.writer.u8(2)
    run.dropEntry()
    run.beginEntry('put')
    run.writer.u8(3)
    run.dropEntry()
    append(run, { kind: 'put', key: [0], value: 5, seals: false })
    run.seal()
    expect(found([run])).toEqual([
      ['00', 'put 5'],
      ['01', 'put 1'],
    ])
  })

  it('are merged into several of bounded size', () => {
    const runs = Array.from({ length: 3 }, (_, number) => {
      const run = new EntryRun()
      for (let i = 0; i < 2_000; i++) {
        append(run, { kind: 'put', key: [i >>> 8, i & 0xff, number], value: number, seals: false })
      }
      run.seal()
      return run
    })
    const merge = new RunMerge(runs)
    while (!merge.step(500));
    expect(merge.result.length).toBe(3)
    const keys = found(merge.result).map((entry) => (entry as string[])[0])
    expect(keys.length).toBe(6_000)
    expect(keys).toEqual([...keys].sort())
  })
})
