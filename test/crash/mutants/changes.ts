import { type Mutant, unit } from './mutant.ts'

const stored = (title: string) => unit('runtime/state/run-store.test.ts', title)
const merged = (title: string) => unit('runtime/state/run-merge.test.ts', title)
const everything = stored('make up with the rest the state at each barrier')

/** Changes that wait for a checkpoint in files, since they are too many for memory. */
export const CHANGES: readonly Mutant[] = [
  {
    name: 'given-up-over-newer',
    what: 'what a checkpoint that was given up had encoded replaces what came after it (R24)',
    file: 'runtime/state/change-runs.ts',
    find: 'this.#parts.unshift(...older.#parts)',
    replace: 'this.#parts.push(...older.#parts)\n    this.#open = undefined',
    killers: [everything],
  },
  {
    name: 'freed-before-written',
    what: 'changes that are being written are not in a checkpoint that is taken meanwhile (R25)',
    file: 'runtime/state/stored-runs.ts',
    find: 'return this.#parts.flatMap((part) => readRuns(part, files))',
    replace: 'return []',
    killers: [everything],
  },
  {
    name: 'files-in-reverse',
    what: 'of what lies in files the oldest value of a key counts (R25)',
    file: 'runtime/state/run-file.ts',
    find: 'this.#runs.map(',
    replace: '[...this.#runs].reverse().map(',
    killers: [everything],
  },
  {
    name: 'removed-while-read',
    what: 'a file of changes is removed while it is merged or goes into a checkpoint',
    file: 'runtime/state/stored-runs.ts',
    find: 'this.#file.hold()',
    replace: '',
    killers: [everything],
  },
  {
    name: 'files-left-behind',
    what: 'files of changes that have been merged, or are in a checkpoint, stay until the attempt ends',
    file: 'runtime/state/run-file.ts',
    find: 'void this.#remove()',
    replace: '',
    killers: [everything, stored('take about twice the bytes of what has changed')],
  },
  {
    name: 'changes-without-bound',
    what: 'input goes on while changes wait to be written, however many there are (R22)',
    file: 'runtime/state/change-runs.ts',
    find: 'this.#waitingBytes > this.#store.shareBytes * EXCESS',
    replace: 'false',
    killers: [stored('take no more memory than their share')],
  },
  {
    name: 'changes-not-waited-for',
    what: 'a backend takes input while too many changes wait to be written (R22)',
    file: 'runtime/state/keyed-backend.ts',
    find: 'if (cache.bytes > this.#suspendLimit || changes.isExceeded) return true',
    replace: 'if (cache.bytes > this.#suspendLimit) return true',
    killers: [
      unit('runtime/state/changes-in-files.test.ts', 'suspend the input while too many wait'),
    ],
  },
  {
    name: 'damage-not-seen',
    what: 'a file of changes whose bytes have changed on the disk goes into a checkpoint',
    file: 'runtime/state/run-file.ts',
    find: 'filled === length && crc32(block.subarray(4)) === crc',
    replace: 'filled === length',
    killers: [stored('are read again as they were written')],
  },
  {
    name: 'encoded-and-kept',
    what: 'what has been encoded for a checkpoint stays in memory until the next barrier, though it is there',
    file: 'runtime/state/change-log.ts',
    find: 'if (this.#snapshot?.checkpointId !== checkpointId) return\n    this.#snapshot.forget()',
    replace: 'if (checkpointId > 0) return',
    killers: [unit('runtime/state/change-log.test.ts', 'gives back what it has encoded')],
  },
  {
    name: 'older-under-newer-clear',
    what: 'what a newer run of changes has cleared comes back from an older one that is alone there (R24)',
    file: 'runtime/state/entry-merge.ts',
    find: 'this.#heap.length === 1 && this.#clearInput <= input',
    replace: 'this.#heap.length === 1',
    killers: [merged('merged say the same where newer ones lie side by side')],
  },
  {
    name: 'others-come-between',
    what: 'entries of a run are not merged with those of others that begin before it ends (R24)',
    file: 'runtime/state/entry-merge.ts',
    find: 'return next === undefined || run.compare(',
    replace: 'return next === undefined || -run.compare(',
    killers: [merged('merged say the same where newer ones lie side by side')],
  },
  {
    name: 'end-of-key-overlooked',
    what: 'keys that others begin with are not sorted before them (R17)',
    file: 'runtime/state/key-sort.ts',
    find: 'differences[common] = 1',
    replace: 'differences[common] = 0',
    killers: [unit('runtime/state/key-sort.test.ts', 'sorts by bytes')],
  },
  {
    name: 'equal-keys-not-seen',
    what: 'of a key that was changed and evicted several times not only the newest entry is in a checkpoint (R25)',
    file: 'runtime/state/entry-run.ts',
    find: 'hasEqual || this.#hasClear ?',
    replace: 'this.#hasClear ?',
    killers: [merged('sealed, say what was appended in that order')],
  },
  {
    name: 'read-after-the-end',
    what: 'a checkpoint that was given up is still written, from files that are gone',
    file: 'runtime/state/merged-entries.ts',
    find: 'this.#check()\n',
    replace: '\n',
    killers: [stored('cannot be read any more')],
  },
]
