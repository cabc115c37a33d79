import { type Mutant, oracle } from './mutant.ts'

/** Wrong answers of operators that come to light with random streams only, which the oracle asks about. */
export const ANSWERS: readonly Mutant[] = [
  {
    name: 'tumbling-late-by-one',
    what: 'a record comes into a tumbling window that has fired at this very watermark (semantics 2.3)',
    file: 'operators/window/tumbling-operator.ts',
    find: 'if (maxTimestamp <= timers.currentWatermark) {',
    replace: 'if (maxTimestamp < timers.currentWatermark) {',
    killers: [oracle('tumbling-windows', 100)],
  },
  {
    name: 'merged-into-the-last',
    what: 'sessions that merge keep their contents where the last of them had its own (semantics 2.2)',
    file: 'operators/window/merging-window-set.ts',
    find: 'const { stateStart } = first',
    replace: 'const { stateStart } = last',
    killers: [oracle('session-windows', 40)],
  },
  {
    name: 'evicted-and-back',
    what: 'what an evictor has dropped is in the window when it fires again (semantics 2.4)',
    file: 'operators/window/window-contents.ts',
    find: 'if (kept.length !== all.length) this.#state.update(kept)',
    replace: '',
    killers: [oracle('global-windows', 40)],
  },
  {
    name: 'earlier-of-equals',
    what: 'of two last records of a key at one time, the one that came first is kept',
    file: 'operators/deduplicate.ts',
    find: '} else if (timestamp < before.timestamp) return',
    replace: '} else if (timestamp <= before.timestamp) return',
    killers: [oracle('deduplicate', 60)],
  },
]
