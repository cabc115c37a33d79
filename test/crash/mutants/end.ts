import { type Mutant, oracle, unit } from './mutant.ts'

const LAST_TIMERS = 'runtime/task/last-timers.test.ts'
const END = 'operators/end-of-input.test.ts'

/** The end of input: what fires then, and in which order. */
export const END_OF_INPUT: readonly Mutant[] = [
  {
    name: 'clock-timers-lost-at-the-end',
    what: 'processing-time timers that the clock has not come to when all input has ended never fire (semantics 1.1, 2.6)',
    file: 'runtime/task/watermark-cascade.ts',
    find: '    if (node.takesNoTimers) {',
    replace: '    if (node.takesNoTimers && deadline < 0) {',
    killers: [
      unit(LAST_TIMERS, 'fire behind those of event time'),
      unit(END, 'fire in the order of their time'),
      unit(END, 'wherever it crashes on the way'),
      unit('operators/window/window-operator.test.ts', 'when all input has ended fire then'),
      unit('operators/window/assigners.test.ts', 'sessions of processing time'),
      oracle('clock-windows', 3),
      unit('operators/window/late-firing.test.ts', 'where the lateness has no end'),
    ],
  },
  {
    name: 'clock-timers-behind-the-end',
    what: 'the last processing-time timers fire when the next operator has heard of the end already (semantics 1.1, 2.6)',
    file: 'runtime/task/watermark-cascade.ts',
    find: "      const result = this.#fireTimers('processing', index, deadline)",
    replace: `      if (node.pending === MAX_TIMESTAMP) this.forwardFrom(node, MAX_TIMESTAMP)
      const result = this.#fireTimers('processing', index, deadline)`,
    killers: [
      unit(LAST_TIMERS, 'wait for room'),
      unit(END, 'what they emit is input there'),
      unit(END, 'wherever it crashes on the way'),
    ],
  },
  {
    name: 'last-timers-leave-others',
    what: 'what the last timers register is kept, though nothing fires it (semantics 1.1)',
    file: 'runtime/task/keyed-context.ts',
    find: "if (!this.#node.takesNoTimers) this.#queue.register('event', timestamp)",
    replace: "this.#queue.register('event', timestamp)",
    killers: [unit(END, 'register none any more')],
  },
  {
    name: 'event-timers-behind-the-last',
    what: 'event-time timers fire again behind the last ones of processing time where these took turns (semantics 1.1)',
    file: 'runtime/task/watermark-cascade.ts',
    find: 'if (!node.takesNoTimers) {',
    replace: '{',
    killers: [unit(LAST_TIMERS, 'fire no event-time timer that one of them has left')],
  },
  {
    name: 'end-not-restored',
    what: 'an operator restored behind the final watermark takes timers that nothing fires (R12)',
    file: 'runtime/task/chain-node.ts',
    find: 'this.takesNoTimers = watermark === MAX_TIMESTAMP',
    replace: '',
    killers: [unit(LAST_TIMERS, 'what is restored takes none any more')],
  },
]
