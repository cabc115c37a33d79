import { type Mutant, unit } from './mutant.ts'

const redistribute = 'runtime/checkpoint/redistribute.test.ts'
const splits = 'runtime/checkpoint/source-state.test.ts'
const matrix = unit('simulation/rescaling.test.ts', 'from any parallelism at any other')
const jobs = 'operators/rescaling.test.ts'

/** What goes on at another parallelism. */
export const RESCALING: readonly Mutant[] = [
  {
    name: 'rescaled-from-one-part',
    what: 'at another parallelism a subtask reads only the old part of its own index (semantics 2.8)',
    file: 'runtime/checkpoint/redistribute.ts',
    find: 'return a.first <= b.last && b.first <= a.last',
    replace: 'return a.first === b.first',
    killers: [
      unit(redistribute, 'names every key group once'),
      unit('testing/rescaled-harness.test.ts', 'however many times and wherever it is rescaled'),
      unit('testing/two-input-harness.test.ts', 'at another parallelism after each element too'),
      matrix,
    ],
  },
  {
    name: 'rescaled-chain-of-all',
    what: 'a chain that goes on at another parallelism counts for the key groups of other subtasks too (R28)',
    file: 'runtime/checkpoint/redistribute.ts',
    find: 'return [{ ...segment, range: { first, last }, rangeBytes }]',
    replace: 'return [{ ...segment, rangeBytes }]',
    killers: [unit(redistribute, 'names every key group once')],
  },
  {
    name: 'long-chain-waits',
    what: 'at another parallelism no checkpoint is taken before the chains of several subtasks are folded (R29)',
    file: 'runtime/checkpoint/segment-chains.ts',
    find: 'if (chain.length > MAX_CHAIN - 2) this.#longest',
    replace: 'if (chain.length > 1e6) this.#longest',
    killers: [
      unit('runtime/checkpoint/segment-chains.test.ts', 'behind the chains of several subtasks'),
    ],
  },
  {
    name: 'fold-of-other-groups',
    what: 'a fold takes the place of the same file for other key groups (R28, R29)',
    file: 'runtime/checkpoint/folding-chain.ts',
    find: ' && a.range.first === b.range.first',
    replace: '',
    killers: [unit('runtime/checkpoint/fold-plan.test.ts', 'tells a file that is named twice')],
  },
  {
    name: 'rescaled-time-ahead',
    what: 'at another parallelism an operator begins with the highest watermark of its old subtasks (R12)',
    file: 'runtime/checkpoint/redistribute.ts',
    find: 'return numbers.length > 0 ? Math.min(...numbers) : watermarks[0]',
    replace: 'return numbers.length > 0 ? Math.max(...numbers) : watermarks[0]',
    killers: [unit(redistribute, 'takes the lowest watermark')],
  },
  {
    name: 'rescaled-time-forgotten',
    what: 'at another parallelism an operator begins without a watermark, and takes what was late (R12)',
    file: 'runtime/checkpoint/redistribute.ts',
    find: 'return lowest(holders.map((part) => part.watermarks[name]!))',
    replace: 'return undefined',
    killers: [
      unit(redistribute, 'takes the lowest watermark'),
      unit('simulation/rescaling.test.ts', 'late data stays late'),
    ],
  },
  {
    name: 'rescaled-list-item-lost',
    what: 'splitting a list over other subtasks loses what does not divide (semantics 2.9)',
    file: 'runtime/checkpoint/operator-lists.ts',
    find: 'const extra = items.length % parallelism',
    replace: 'const extra = 0',
    killers: [
      unit('runtime/checkpoint/operator-lists.test.ts', 'loses and doubles no item'),
      unit(redistribute, 'splits lists'),
      unit(splits, 'gives each split to exactly one reader'),
      matrix,
    ],
  },
  {
    name: 'rescaled-split-time-lost',
    what: 'a split that has moved to another reader begins its time anew (R11)',
    file: 'runtime/checkpoint/source-state.ts',
    find: 'const times = readers.flatMap((reader) => reader.times)',
    replace: 'const times = readers[0]!.times',
    killers: [
      unit(splits, 'takes status and generator of each split along'),
      unit(redistribute, 'deals the splits of readers out'),
    ],
  },
  {
    name: 'rescaled-splits-come-too-late',
    what: 'readers are told that no more splits come, though some are still to be assigned (R11, R31)',
    file: 'runtime/checkpoint/source-state.ts',
    find: 'const noMoreSplits = readers.every((reader) => reader.noMoreSplits)',
    replace: 'const noMoreSplits = readers.every((reader) => reader.times.length >= 0)',
    killers: [unit(splits, 'only where all readers had been told'), matrix],
  },
  {
    name: 'rescaled-commits-lost',
    what: 'what the last of several old subtasks had pending is not committed at a lower parallelism (R33)',
    file: 'runtime/checkpoint/pending-commits.ts',
    find: 'writers.filter((_, old) => old % parallelism === subtask).flat()',
    replace: 'writers.filter((_, old) => old === subtask).flat()',
    killers: [
      unit('runtime/checkpoint/pending-commits.test.ts', 'each commit to exactly one committer'),
      unit(redistribute, 'to one committer each'),
      unit(jobs, 'puts what was published and not committed out once'),
      matrix,
    ],
  },
  {
    name: 'rescaled-finished-in-part',
    what: 'a subtask that had finished takes nothing, though it gets input of others now (R9)',
    file: 'runtime/checkpoint/redistribute.ts',
    find: 'const own = isRearranged ? old : read',
    replace: 'const own = read',
    killers: [
      unit(redistribute, 'has finished only where all have'),
      unit(jobs, 'reads on where one subtask had ended'),
    ],
  },
  {
    name: 'rearranged-unseen',
    what: 'behind a source of another parallelism subtasks keep watermarks that belong to other input (R9, R12)',
    file: 'runtime/job/rescaling.ts',
    find: 'if (isRescaled(manifest, vertex) || getsOther) rearranged.add(vertex.index)',
    replace: 'if (isRescaled(manifest, vertex)) rearranged.add(vertex.index)',
    killers: [
      unit('runtime/job/rescaling.test.ts', 'are all behind one of another number'),
      unit(jobs, 'makes no row late'),
    ],
  },
  {
    name: 'indivisible-state-dropped',
    what: 'what cannot be divided is left out without a word (semantics 2.9)',
    file: 'runtime/checkpoint/spread-state.ts',
    find: "    case 'fixed':\n      throw notDivisible(states.length, target)",
    replace: "    case 'fixed':\n      return states.slice(0, parallelism)",
    killers: [
      unit(redistribute, 'refuses what cannot be divided'),
      unit('runtime/job/restore-plan.test.ts', 'whose subtasks keep what cannot be divided'),
    ],
  },
  {
    name: 'generator-starves-a-split',
    what: 'a reader that was given several splits of a generator makes all of one before the next',
    file: 'connectors/datagen-source.ts',
    find: 'for (const one of this.#running) if (one.index < lowest!.index) lowest = one',
    replace: '',
    killers: [unit('connectors/datagen-source.test.ts', 'makes the lowest index next')],
  },
  {
    name: 'half-read-files-wait',
    what: 'of more half read files than may be open those that hold time back wait (R11)',
    file: 'connectors/file-reader.ts',
    find: 'return split.offset === 0 ? Infinity : output.watermark',
    replace: 'return split.offset === 0 ? Infinity : 0 * output.watermark',
    killers: [unit('connectors/file-source.test.ts', 'opens those first that hold time back')],
  },
]
