import { type Mutant, unit } from './mutant.ts'

const SPREAD = 'runtime/checkpoint/spread-lists.test.ts'
const PARTLY = 'runtime/checkpoint/partly-finished.test.ts'
const DEALT = 'operators/operator-state/redistribution.test.ts'
const ONCE = 'operators/operator-state/exactly-once.test.ts'
const LISTS = 'operators/operator-state/lists.test.ts'
const MISUSE = 'operators/operator-state/misuse.test.ts'
const WRITTEN = 'runtime/rewrite/edit-lists.test.ts'

/** Lists that subtasks keep, and watermarks that a start drops. */
export const LISTS_OF_SUBTASKS: readonly Mutant[] = [
  {
    name: 'union-list-shared-out',
    what: 'a union list is shared out like any other (semantics 2.9)',
    file: 'runtime/checkpoint/spread-lists.ts',
    find: "heads.get(name)!.kind === 'union-list' && !hasFinished",
    replace: 'false',
    killers: [
      unit(SPREAD, 'gives every subtask all items'),
      unit(DEALT, 'give each subtask all items of a union list'),
      unit(ONCE, 'a union list that is shared out its sum'),
    ],
  },
  {
    name: 'list-given-to-all',
    what: 'every subtask gets all items of every list (semantics 2.9)',
    file: 'runtime/checkpoint/spread-lists.ts',
    find: 'items: isUnion(name) ? lists.flat() : share[name]!',
    replace: 'items: lists.flat()',
    killers: [
      unit(SPREAD, 'shares out all items once'),
      unit(DEALT, 'are shared out'),
      unit(ONCE, 'keep each item once'),
    ],
  },
  {
    name: 'union-list-kept-apart',
    what: 'at the same parallelism each subtask gets its own part of a union list only (semantics 2.9)',
    file: 'runtime/checkpoint/spread-state.ts',
    find: "spread !== 'lists' && (",
    replace: '(',
    killers: [unit(DEALT, 'give each subtask all items of a union list')],
  },
  {
    name: 'union-list-grows',
    what: 'a union list of an operator that has finished is there once more for each subtask with every restart (R34)',
    file: 'runtime/checkpoint/redistribute.ts',
    find: 'const hasFinished = old.length > 0 && old.every(({ part }) => part.isFinished)',
    replace: 'const hasFinished = false',
    killers: [unit('runtime/checkpoint/redistribute.test.ts', 'lets no union list grow')],
  },
  {
    name: 'partly-finished-anyway',
    what: 'a checkpoint is taken while an operator with a union list has finished in part (semantics 2.9)',
    file: 'runtime/checkpoint/checkpoint-coordinator.ts',
    find: 'if (problem !== undefined) throw problem',
    replace: '',
    killers: [unit(ONCE, 'is in no checkpoint of that time')],
  },
  {
    name: 'finished-is-partly',
    what: 'no checkpoint is taken once all subtasks of an operator with a union list have finished (R34)',
    file: 'runtime/checkpoint/partly-finished.ts',
    find: ' || finished.length === holders.length',
    replace: '',
    killers: [unit(PARTLY, 'or all have'), unit(ONCE, 'is in checkpoints again')],
  },
  {
    name: 'list-forgotten',
    what: 'lists of subtasks are not restored',
    file: 'operators/operator-state/operator-lists.ts',
    find: 'if (stored === undefined) return list',
    replace: 'return list',
    killers: [
      unit(LISTS, 'is kept from record to record'),
      unit(ONCE, 'the same batches'),
      unit(DEALT, 'are shared out'),
    ],
  },
  {
    name: 'old-items-as-new',
    what: 'items of an older version are taken for ones of this version (R5)',
    file: 'operators/operator-state/operator-lists.ts',
    find: 'stored.version === version ? stored.items : stored.items.map(upcast)',
    replace: 'stored.items',
    killers: [
      unit(LISTS, 'is upcast item by item'),
      unit(LISTS, 'which item an upcast failed for'),
    ],
  },
  {
    name: 'items-changed-unseen',
    what: 'an item that a callback changed in place is not found in strict mode (R16)',
    file: 'operators/operator-state/operator-list.ts',
    find: 'return changed === -1 ? undefined : changed',
    replace: 'return undefined',
    killers: [unit(MISUSE, 'are found when an item is changed in place')],
  },
  {
    name: 'lists-at-any-time',
    what: 'a list can be used outside callbacks (R15)',
    file: 'operators/operator-state/stateful-function-run.ts',
    find: '    lists.isOpening = false\n',
    replace: '',
    killers: [unit(MISUSE, 'throw outside callbacks')],
  },
  {
    name: 'filled-list-in-one',
    what: 'the items of a list that is filled all go to the first subtask',
    file: 'runtime/rewrite/edit-lists.ts',
    find: 'return splitLists(whole, subtasks).map((share) =>',
    replace:
      'const all = splitLists(whole, 1)[0]!\n  return Array.from({ length: subtasks }, (_, i) => (i > 0 ? splitLists([], 1)[0]! : all)).map((share) =>',
    killers: [unit(WRITTEN, 'are shared out among the subtasks')],
  },
  {
    name: 'new-source-is-late',
    what: 'behind a source that starts without positions watermarks go on (R12)',
    file: 'runtime/job/reset-watermarks.ts',
    find: 'if (!isWanted && behind.size === 0) return',
    replace: 'if (!isWanted) return',
    killers: [
      unit('operators/joining-source.test.ts', 'time begins anew behind it'),
      unit('runtime/job/reset-watermarks.test.ts', 'are dropped behind a source'),
    ],
  },
  {
    name: 'generators-remember',
    what: 'with --reset-watermarks a source goes on with the time that its splits had (R12)',
    file: 'runtime/job/reset-watermarks.ts',
    find: 'encodeValue({ ...state, times: [] }, operator.name)',
    replace: 'encodeValue(state, operator.name)',
    killers: [unit('runtime/job/reset-watermarks.test.ts', 'are dropped on request')],
  },
  {
    name: 'time-begins-anew-again',
    what: 'with --reset-watermarks every restart of the run drops the watermarks of its own checkpoints (R12)',
    file: 'runtime/job/job-run.ts',
    find: 'this.#options.resetWatermarks && id <= this.#beganFrom',
    replace: 'this.#options.resetWatermarks',
    killers: [unit('runtime/job/job-run.test.ts', 'of no checkpoint of its own')],
  },
]
