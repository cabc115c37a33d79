import { type Mutant, unit } from './mutant.ts'

const deduplicate = 'operators/deduplicate.test.ts'
const windowJoin = 'operators/window/window-join.test.ts'
const windowed = 'operators/aggregate/windowed.test.ts'

const stepByStep = unit(windowJoin, 'do what nested loops do, step by step')
const throughCrashes = unit(windowJoin, 'join every pair once through crashes')

/** Operators that are made of others: what they keep of a key, and of both sides of a window. */
export const CONVENIENCE: readonly Mutant[] = [
  {
    name: 'sides-taken-for-one',
    what: 'records of the right input of a window join are taken for left ones (semantics 1.3)',
    file: 'operators/window/two-input-windows.ts',
    find: "side: 'right'",
    replace: "side: 'left'",
    killers: [stepByStep, throughCrashes],
  },
  {
    name: 'outer-join-is-inner',
    what: 'a left record without a partner in its window is dropped by an outer join',
    file: 'operators/window/join-function.ts',
    find: 'if (isOuter && rights.length === 0)',
    replace: 'if (isOuter && rights.length < 0)',
    killers: [stepByStep, throughCrashes],
  },
  {
    name: 'joined-elements-under-their-old-name',
    what: 'a join goes on from what a window without sides has left under the same uid',
    file: 'operators/window/window-spec.ts',
    find: "join === undefined ? 'elements' : 'joined-elements'",
    replace: "'elements'",
    killers: [unit(windowJoin, 'does not take records without a side for its own')],
  },
  {
    name: 'merged-sum-of-one',
    what: 'of windows that have become one only the sum of the first is kept (semantics 2.2)',
    file: 'operators/aggregate/field-fold.ts',
    find: 'return this.#aggregate(a, b)',
    replace: 'return a',
    killers: [unit(windowed, 'come to what arrays of the records do')],
  },
  {
    name: 'merged-list-of-one',
    what: 'of windows that have become one only the best of the first are kept (semantics 2.2)',
    file: 'operators/top-n.ts',
    find: 'b.reduce<readonly unknown[]>((list, record) => top.add(list, record), a)',
    replace: 'a ?? b',
    killers: [unit(windowed, 'topN keeps what sorting the records of a window keeps')],
  },
  {
    name: 'best-not-kept',
    what: 'the best records of a key are not state',
    file: 'operators/top-n.ts',
    find: 'ctx.state.top.update(after)',
    replace: '',
    killers: [unit('operators/top-n.test.ts', 'emits the list of the key whenever it changes')],
  },
  {
    name: 'first-not-kept',
    what: 'that the first record of a key has passed is not state (R30)',
    file: 'operators/deduplicate.ts',
    find: 'seen.update(true)',
    replace: '',
    killers: [
      unit(deduplicate, 'lets the first record of each key pass'),
      unit(deduplicate, 'does what plain lists do'),
    ],
  },
  {
    name: 'last-put-out-early',
    what: 'the time of a last record is that of the first one of its key (R30)',
    file: 'operators/deduplicate.ts',
    find: 'if (end > timer) {',
    replace: 'if (end === -timer) {',
    killers: [unit(deduplicate, 'does what plain lists do')],
  },
  {
    name: 'last-kept-for-ever',
    what: 'a last record that has been put out stays in state (R30)',
    file: 'operators/deduplicate.ts',
    find: 'this.#last.clear()',
    replace: '',
    killers: [unit(deduplicate, 'leaves neither state nor timers behind')],
  },
  {
    name: 'held-by-a-ttl-of-before',
    what: 'a shorter ttl leaves last records where the one before it has put them (R30)',
    file: 'operators/deduplicate.ts',
    find: 'before === undefined || before.ttlMs <= ttlMs',
    replace: 'before === undefined || before.ttlMs > 0',
    killers: [
      unit(deduplicate, 'puts out what was kept for ever when its time is over'),
      unit(deduplicate, 'holds no record longer than its ttl of now'),
    ],
  },
  {
    name: 'late-by-a-shorter-ttl',
    what: 'what a shorter ttl ends at once is late behind (R30)',
    file: 'operators/deduplicate.ts',
    find: 'Math.max(end, timers.currentWatermark + 1)',
    replace: 'end',
    killers: [
      unit(deduplicate, 'puts out what was kept for ever when its time is over'),
      unit(deduplicate, 'holds no record longer than its ttl of now'),
    ],
  },
]
