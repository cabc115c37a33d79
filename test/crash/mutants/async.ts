import { type Mutant, unit } from './mutant.ts'

const WAIT = 'operators/async/async-wait.test.ts'
const ONCE = 'operators/async/exactly-once.test.ts'
const RESCALING = 'operators/async/rescaling.test.ts'
const STATE = 'operators/async/async-state.test.ts'
const ENDED = 'operators/async/ended-input.test.ts'
const HOLDING = 'runtime/task/holding-operators.test.ts'

/** Asynchronous functions, and operators that hold records back. */
export const ASYNC: readonly Mutant[] = [
  {
    name: 'answered-means-emitted',
    what: 'a checkpoint leaves out records that were answered and not emitted (semantics 2.16)',
    file: 'operators/async/async-state.ts',
    find: 'else held.push(stored(item, behind))',
    replace: "else if (!('isSettled' in item && item.isSettled)) held.push(stored(item, behind))",
    killers: [unit(WAIT, 'asks again for all that was not emitted'), unit(ONCE, 'exactly once')],
  },
  {
    name: 'no-room-no-record',
    what: 'a checkpoint leaves out restored records that have not been asked again yet (semantics 2.16)',
    file: 'operators/async/async-wait.ts',
    find: '[...this.#queue.contents(), ...this.#restored]',
    replace: '[...this.#queue.contents()]',
    killers: [unit(WAIT, 'keeps in a snapshot what it had no room')],
  },
  {
    name: 'in-flight-anywhere',
    what: 'records of a key go to any subtask at another parallelism, and are overtaken there (R10, semantics 2.9)',
    file: 'operators/async/async-wait.ts',
    find: "stateSpread: 'by-key-group'",
    replace: "stateSpread: 'split'",
    killers: [unit(RESCALING, 'in the order of their key')],
  },
  {
    name: 'key-forgotten-behind-answers',
    what: 'an operator behind a call does not know what key its records are of (R10)',
    file: 'operators/async/async-wait.ts',
    find: 'this.#context.beginHeld(item.keyGroup)',
    replace: '',
    killers: [unit(RESCALING, 'keep their order and are made no later')],
  },
  {
    name: 'late-in-company',
    what: 'records of several subtasks lose the watermarks that they were behind (R12)',
    file: 'operators/async/async-state.ts',
    find: '    moveTo(behind)\n',
    replace: '',
    killers: [
      unit(RESCALING, 'late where they were late'),
      unit(STATE, 'in whatever company it is restored'),
    ],
  },
  {
    name: 'time-ahead-of-the-operator',
    what: 'records are restored behind a watermark that the operator has not come to (R12)',
    file: 'operators/async/async-state.ts',
    find: 'Math.min(record.behind, watermark)',
    replace: 'record.behind',
    killers: [
      unit(RESCALING, 'keep their order and are made no later'),
      unit(STATE, 'the lowest of its subtasks'),
    ],
  },
  {
    name: 'new-before-restored',
    what: 'new records are taken before those of the checkpoint have been asked again (semantics 2.16)',
    file: 'operators/async/async-wait.ts',
    find: "this.#restored.size > 0 || this.#isFull ? 'full'",
    replace: "this.#isFull ? 'full'",
    killers: [unit('operators/async/async-operator.test.ts', 'takes no input before it has asked')],
  },
  {
    name: 'watermark-first',
    what: 'a watermark overtakes the records that are waited for (semantics 2.16)',
    file: 'operators/async/unordered-queue.ts',
    find: 'return unsettled === 0 ? end : undefined',
    replace: 'return end',
    killers: [
      unit('operators/async/queues.test.ts', 'lets no record cross a watermark'),
      unit(WAIT, 'lets no record cross a watermark'),
    ],
  },
  {
    name: 'answers-across-a-watermark',
    what: 'a record overtakes the watermark before it (semantics 2.16)',
    file: 'operators/async/unordered-queue.ts',
    find: 'const segment = this.#segments.last!',
    replace: 'const segment = this.#segments.first!',
    killers: [unit('operators/async/queues.test.ts', 'lets no record cross a watermark')],
  },
  {
    name: 'late-call',
    what: 'a record that has timed out is asked once more (FLINK-38082)',
    file: 'operators/async/entry-state.ts',
    find: 'settled: { due: undefined,',
    replace: "settled: { due: 'calling',",
    killers: [
      unit('operators/async/entry-state.test.ts', 'FLINK-40456'),
      unit('operators/async/retries.test.ts', 'timeout first'),
    ],
  },
  {
    name: 'ends-without-answers',
    what: 'the end of input does not wait for what is held back (semantics 2.16)',
    file: 'runtime/task/chain-end.ts',
    find: 'this.#hasCalled = operator.holdsBack === true || this.#cascade.isActive',
    replace: 'this.#hasCalled = false',
    killers: [
      unit(HOLDING, 'end one after another'),
      unit(WAIT, 'before the end of input goes on'),
    ],
  },
  {
    name: 'checkpoints-wait-for-answers',
    what: 'a subtask whose input has ended gives no part of a checkpoint before its answers are there (R9)',
    file: 'runtime/task/subtask.ts',
    find: 'this.options.listener.inputEnded()',
    replace: '',
    killers: [
      unit(ENDED, 'hold up no checkpoint'),
      unit(ENDED, 'hold up no stop either'),
      unit(HOLDING, 'when their input has ended'),
    ],
  },
  {
    name: 'no-barrier-behind-an-end',
    what: 'a subtask whose input has ended sends no barrier on, and those behind it wait (R9)',
    file: 'runtime/task/subtask.ts',
    find: 'this.#trigger.inject((barrier) => this.#takeSnapshot(barrier, true))',
    replace:
      'this.#trigger.inject((barrier) => this.#takeSnapshot(barrier, this.#gate === undefined))',
    killers: [unit(ENDED, 'hold up no checkpoint'), unit(HOLDING, 'when their input has ended')],
  },
  {
    name: 'no-stop-behind-an-end',
    what: 'a subtask whose input has ended goes on behind the barrier of a stop (R14)',
    file: 'runtime/task/subtask.ts',
    find: 'this.#trigger.trigger({ checkpointId, baseId, kind: barrier.kind })',
    replace: "this.#trigger.trigger({ checkpointId, baseId, kind: 'checkpoint' })",
    killers: [unit(HOLDING, 'stop while they wait')],
  },
  {
    name: 'records-into-a-firing-watermark',
    what: 'a record is emitted in front of a watermark that a node behind is firing (R13)',
    file: 'runtime/task/holding-operators.ts',
    find: 'for (const node of behind) if (node.pending !== MIN_TIMESTAMP) return false',
    replace: '',
    killers: [unit(HOLDING, 'emit nothing in front of a watermark')],
  },
  {
    name: 'waiting-for-each-other',
    what: 'an operator that is full stops the watermark that it has let go itself (R13)',
    file: 'runtime/task/chain.ts',
    find: 'outputs.areReady() || outputs.areReadyBehind(nodeIndex)',
    replace: 'outputs.areReady() || nodeIndex < 0',
    killers: [unit(HOLDING, 'may let a watermark go')],
  },
  {
    name: 'idle-before-answers',
    what: 'IDLE overtakes records that are held back (R11)',
    file: 'runtime/task/chain-time.ts',
    find: "if (status === 'idle' && this.#holding.holdsIdle(nodeIndex)) return",
    replace: '',
    killers: [unit(HOLDING, 'pass on that their input is idle')],
  },
]
