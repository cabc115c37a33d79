import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ManifestSubtask, SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import { redistribute } from '../../../runtime/checkpoint/redistribute.ts'
import { keyGroupRange } from '../../../runtime/key-group.ts'
import { storedListsIn } from '../../../runtime/state/operator-list-format.ts'
import type { Spread } from '../../../runtime/checkpoint/spread-state.ts'
import { decodeValue, encodeValue } from '../../../runtime/value-codec.ts'

const encoded = (value: unknown): Uint8Array => encodeValue(value, 'test')

const decoded = (data: Uint8Array | undefined): unknown =>
  data === undefined ? undefined : decodeValue(data)

/** The parts of a vertex with one operator of the same name. */
function partsOf(
  name: string,
  parallelism: number,
  options: {
    readonly maxParallelism?: number
    readonly state?: (subtask: number) => unknown
    readonly watermark?: (subtask: number) => number | null | 'max'
    readonly isFinished?: (subtask: number) => boolean
  } = {},
): ManifestSubtask[] {
  const { maxParallelism = 128, state, watermark = () => 5, isFinished = () => false } = options
  return Array.from({ length: parallelism }, (_, subtask) => ({
    vertex: name,
    subtaskIndex: subtask,
    segments: [
      {
        file: `${name}-${subtask}`,
        bytes: 1_000,
        entries: 1,
        range: keyGroupRange(subtask, parallelism, maxParallelism),
      },
    ],
    operatorState: state === undefined ? {} : { [name]: encoded(state(subtask)) },
    watermarks: { [name]: watermark(subtask) },
    isFinished: isFinished(subtask),
  }))
}

function target(name: string, parallelism: number, spread: Spread = 'fixed', vertex = 0) {
  return { vertex, name, parallelism, operators: new Map([[name, spread]]) }
}

const options = { maxParallelism: 128, continues: true }

describe('redistributing keyed state', () => {
  it.each([
    { from: 2, to: 3, reads: '0 | 0,1 | 1' },
    { from: 3, to: 2, reads: '0,1 | 1,2' },
    { from: 2, to: 4, reads: '0 | 0 | 1 | 1' },
    { from: 4, to: 2, reads: '0,1 | 2,3' },
    { from: 1, to: 3, reads: '0 | 0 | 0' },
    { from: 3, to: 3, reads: '0 | 1 | 2' },
  ])('from $from subtasks to $to each reads what meets its range (semantics 2.9)', (row) => {
    const restored = redistribute(partsOf('count', row.from), [target('count', row.to)], options)
    const reads = restored.map(({ chains }) =>
      chains.flatMap((chain) => chain.map(({ file }) => file.replace('count-', ''))).join(','),
    )
    expect(reads.join(' | ')).toBe(row.reads)
    // Each goes on with one chain (R28).
    expect(restored.map(({ continuesChain, chains }) => [continuesChain, chains.length])).toEqual(
      restored.map(() => [true, 1]),
    )
    const apart = redistribute(partsOf('count', row.from), [target('count', row.to)], {
      ...options,
      continues: false,
    })
    expect(apart.map(({ chains }) => chains.flat().map(({ file }) => file))).toEqual(
      restored.map(({ chains }) => chains.flat().map(({ file }) => file)),
    )
    expect(apart.some(({ continuesChain }) => continuesChain)).toBe(false)
  })

  it('names every key group once, for its one new owner, from its one old owner (semantics 2.8, R28)', () => {
    const parallelism = fc.integer({ min: 1, max: 9 })
    fc.assert(
      fc.property(parallelism, parallelism, fc.integer({ min: 9, max: 40 }), (from, to, max) => {
        const parts = partsOf('count', from, { maxParallelism: max })
        const restored = redistribute(parts, [target('count', to)], {
          maxParallelism: max,
          continues: true,
        })
        for (let group = 0; group < max; group++) {
          const readers = restored.flatMap(({ subtask, chains }) => {
            const own = keyGroupRange(subtask, to, max)
            const read = chains
              .flat()
              .filter(({ range }) => range.first <= group && group <= range.last)
            if (group < own.first || group > own.last) expect(read).toEqual([])
            return read
          })
          expect(readers).toHaveLength(1)
        }
        const bytes = (segments: readonly SegmentReference[]): number =>
          segments.reduce((sum, segment) => sum + (segment.rangeBytes ?? segment.bytes), 0)
        const before = bytes(parts.flatMap(({ segments }) => segments))
        const after = bytes(restored.flatMap(({ chains }) => chains.flat()))
        expect(after).toBeGreaterThanOrEqual(before)
        expect(after).toBeLessThan(before + from + to)
      }),
    )
  })
})

describe('redistributing what subtasks keep', () => {
  it('gives each its own at the same parallelism, whatever its kind (semantics 2.9)', () => {
    for (const spread of [
      'fixed',
      'fresh',
      'broadcast',
      'split',
      'by-key-group',
      'splits',
      'commits',
    ] as const) {
      const parts = partsOf('op', 2, { state: (subtask) => ({ items: [subtask, subtask] }) })
      const restored = redistribute(parts, [target('op', 2, spread)], options)
      expect(restored.map(({ operatorState }) => decoded(operatorState['op']))).toEqual([
        { items: [0, 0] },
        { items: [1, 1] },
      ])
    }
  })

  it('gives new subtask i the broadcast copy of old subtask i mod their number (semantics 2.18)', () => {
    const copies = (from: number, to: number): unknown[] => {
      const parts = partsOf('rules', from, { state: (subtask) => subtask })
      return redistribute(parts, [target('rules', to, 'broadcast')], options).map(
        ({ operatorState }) => decoded(operatorState['rules']),
      )
    }
    expect(copies(2, 5)).toEqual([0, 1, 0, 1, 0])
    expect(copies(3, 2)).toEqual([0, 1])
  })

  it('splits lists, leaves out what begins anew, and refuses what cannot be divided (semantics 2.9)', () => {
    const parts = partsOf('op', 2, {
      state: (subtask) => ({ items: [`${subtask}a`, `${subtask}b`] }),
    })
    const to = (spread: Spread) =>
      redistribute(parts, [target('op', 3, spread)], options).map(({ operatorState }) =>
        decoded(operatorState['op']),
      )
    expect(to('split')).toEqual([{ items: ['0a', '0b'] }, { items: ['1a'] }, { items: ['1b'] }])
    expect(to('fresh')).toEqual([undefined, undefined, undefined])
    expect(() => to('fixed')).toThrow(
      expect.objectContaining({
        code: 'MR_STATE_NOT_DIVISIBLE',
        message: expect.stringContaining('"op" had 2 subtasks') as string,
      }),
    )
    const stateless = redistribute(partsOf('op', 2), [target('op', 3)], options)
    expect(stateless.map(({ operatorState }) => operatorState)).toEqual([{}, {}, {}])
  })

  it('gives items to the owner of their key group, and shares out those that have none (semantics 2.9)', () => {
    const parts = partsOf('op', 2, {
      state: (subtask) => ({
        items: [
          { n: subtask, keyGroup: subtask * 64 },
          { n: subtask + 10 },
          { n: 20, keyGroup: 63 },
        ],
      }),
    })
    const restored = redistribute(parts, [target('op', 3, 'by-key-group')], options)
    expect(restored.map(({ operatorState }) => decoded(operatorState['op']))).toEqual([
      { items: [{ n: 0, keyGroup: 0 }, { n: 10 }] },
      {
        items: [
          { n: 20, keyGroup: 63 },
          { n: 1, keyGroup: 64 },
          { n: 20, keyGroup: 63 },
          { n: 11 },
        ],
      },
      { items: [] },
    ])
  })

  it('gives a union list to each as a whole, and lets no union list grow that nobody reads any more (semantics 2.9, R34)', () => {
    const held = (subtask: number): unknown => {
      return new Map([
        ['all', { kind: 'union-list', version: 1, items: [encodeValue(subtask, '')] }],
      ])
    }
    const itemsIn = (finished: readonly boolean[], to: number): unknown[] => {
      const isFinished = (subtask: number): boolean => finished[subtask]!
      const parts = partsOf('op', finished.length, { state: held, isFinished })
      return redistribute(parts, [target('op', to, 'lists')], options).map(({ operatorState }) => {
        const { items } = storedListsIn(decoded(operatorState['op'])).get('all')!
        return items.map(decodeValue)
      })
    }
    const both = [0, 1]
    expect(itemsIn([false, false], 2)).toEqual([both, both])
    expect(itemsIn([false, false], 3)).toEqual([both, both, both])
    expect(itemsIn([true, true], 2)).toEqual([[0], [1]])
    expect(itemsIn([true, true], 3)).toEqual([[0], [1], []])
  })

  it('deals the splits of readers out, with all times (R11, R31, semantics 2.9)', () => {
    const time = (splitId: string) => ({ splitId, status: 'active', generator: null })
    const parts = partsOf('in', 2, {
      state: (subtask) => ({
        splits: subtask === 0 ? ['a', 'b'] : ['c'],
        times: [time(String(subtask))],
        noMoreSplits: true,
        positions: ['somewhere'],
      }),
    })
    const times = [time('0'), time('1')]
    const restored = redistribute(parts, [target('in', 3, 'splits')], options)
    expect(restored.map(({ operatorState }) => decoded(operatorState['in']))).toEqual(
      ['a', 'b', 'c'].map((split) => ({ splits: [split], times, noMoreSplits: true })),
    )
  })

  it('gives what a sink has pending to one committer each, also where some have nothing (R33)', () => {
    const pending = (subtask: number) => [{ checkpointId: 3, committables: [subtask] }]
    const all = partsOf('out', 3, { state: pending })
    const parts = all.map((part, subtask) =>
      subtask === 1 ? { ...part, operatorState: {} } : part,
    )
    const restored = redistribute(parts, [target('out', 2, 'commits')], options)
    expect(restored.map(({ operatorState }) => decoded(operatorState['out']))).toEqual([
      [...pending(0), ...pending(2)],
      [],
    ])
  })

  it('begins anew, at the lowest watermark, and unfinished unless all had, where other input comes (R9, R12)', () => {
    const parts = partsOf('op', 2, {
      state: (subtask) => subtask,
      watermark: (subtask) => (subtask === 0 ? 'max' : 4),
      isFinished: (subtask) => subtask === 0,
    })
    const restored = (isRearranged: boolean) =>
      redistribute(parts, [{ ...target('op', 2, 'fresh'), isRearranged }], options)
    expect(restored(false)).toMatchObject([
      { watermarks: { op: 'max' }, isFinished: true, operatorState: { op: encoded(0) } },
      { watermarks: { op: 4 }, isFinished: false, operatorState: { op: encoded(1) } },
    ])
    expect(restored(true)).toMatchObject([
      { watermarks: { op: 4 }, isFinished: false, operatorState: {}, continuesChain: true },
      { watermarks: { op: 4 }, isFinished: false, operatorState: {}, continuesChain: true },
    ])
  })

  it('takes the highest of those whose keys it takes over right behind a keyBy: their windows have fired (R12)', () => {
    const watermark = (subtask: number) => [10, null, 30][subtask]!
    const keyed = { ...target('count', 2), keyed: new Set(['count']) }
    const restored = redistribute(partsOf('count', 3, { watermark }), [keyed], options)
    expect(restored.map(({ watermarks }) => watermarks['count'])).toEqual([10, 30])
    const atTheEnd = partsOf('count', 3, { watermark: (subtask) => (subtask > 1 ? 'max' : 7) })
    expect(
      redistribute(atTheEnd, [keyed], options).map(({ watermarks }) => watermarks['count']),
    ).toEqual([7, 'max'])
  })

  it('takes the lowest watermark where the number of subtasks has changed (R12)', () => {
    const watermarks = (all: readonly (number | null | 'max')[], to: number): unknown[] => {
      const parts = partsOf('op', all.length, { watermark: (subtask) => all[subtask]! })
      return redistribute(parts, [target('op', to)], options).map((one) => one.watermarks['op'])
    }
    expect(watermarks([7, 4], 2)).toEqual([7, 4])
    expect(watermarks([7, 4], 3)).toEqual([4, 4, 4])
    expect(watermarks([7, 'max', 4], 1)).toEqual([4])
    expect(watermarks([7, null], 1)).toEqual([null])
    expect(watermarks(['max', 'max'], 1)).toEqual(['max'])
  })

  it('has finished only where all have, if their number has changed (R9)', () => {
    const finished = (all: readonly boolean[], to: number): boolean[] => {
      const parts = partsOf('op', all.length, { isFinished: (subtask) => all[subtask]! })
      return redistribute(parts, [target('op', to)], options).map((one) => one.isFinished)
    }
    expect(finished([true, false], 2)).toEqual([true, false])
    expect(finished([true, false], 3)).toEqual([false, false, false])
    expect(finished([true, true], 3)).toEqual([true, true, true])
    expect(redistribute([], [target('op', 1)], options)[0]?.isFinished).toBe(false)
  })

  it('finds the state of operators that have moved to another chain, and reads a chain on only where none has (R24)', () => {
    const parts = [...partsOf('first', 2), ...partsOf('second', 2)]
    const together = {
      vertex: 0,
      name: 'first',
      parallelism: 2,
      operators: new Map<string, Spread>([
        ['first', 'fixed'],
        ['second', 'fixed'],
      ]),
    }
    const [one] = redistribute(parts, [together], options)
    expect(one).toMatchObject({ continuesChain: false, watermarks: { first: 5, second: 5 } })
    expect(one!.chains.map(([segment]) => segment!.file)).toEqual(['first-0', 'second-0'])
    const apart = redistribute(parts, [target('second', 2)], { ...options, continues: false })
    expect(apart.map(({ continuesChain }) => continuesChain)).toEqual([false, false])
  })
})
