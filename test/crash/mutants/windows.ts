import { type Mutant, unit } from './mutant.ts'

const at = (name: string): string => `operators/window/${name}.test.ts`
const CRASHES = at('window-crashes')
const MODELS = at('assigners')
const TRIGGERS = at('trigger-models')

/** Windows: what is in which, when it comes out, and what is left of it. */
export const WINDOWS: readonly Mutant[] = [
  {
    name: 'windows-that-touch-stay-apart',
    what: 'a record exactly the gap after a session begins another one (semantics 2.2)',
    file: 'operators/window/merging-window-set.ts',
    find: 'before.end >= start ?',
    replace: 'before.end > start ?',
    killers: [unit(at('merging-window-set'), 'windows that touch merge'), unit(MODELS, 'sessions')],
  },
  {
    name: 'merged-contents-lost',
    what: 'of sessions that become one, only the first keeps its records (semantics 2.2)',
    file: 'operators/window/window-operator.ts',
    find: 'if (mergedContents.length > 0) {',
    replace: 'if (mergedContents.length > 99) {',
    killers: [unit(MODELS, 'sessions'), unit(at('window-spill'), 'sessions')],
  },
  {
    name: 'merged-timers-stay',
    what: 'the timer of a session that is part of another one stays (semantics 2.2)',
    file: 'operators/window/window-operator.ts',
    find: 'cleanup.delete(old)',
    replace: '',
    killers: [unit(at('triggers'), 'leaves no timer of windows that have become others')],
  },
  {
    name: 'one-run-of-sessions',
    what: 'the open sessions of a key are one value, rewritten with each record (semantics 2.2)',
    file: 'operators/window/merging-window-set.ts',
    find: 'if (run.length > MAX_RUN * FIELDS) this.#split(run)',
    replace: '',
    killers: [unit(at('merging-cost'), 'makes a session longer')],
  },
  {
    name: 'late-a-moment-later',
    what: 'a window still takes records in the moment in which it is cleaned up (semantics 2.3)',
    file: 'operators/window/cleanup-times.ts',
    find: 'return this.isEventTime && this.of(window) <= this.#timers.currentWatermark',
    replace: 'return this.isEventTime && this.of(window) < this.#timers.currentWatermark',
    killers: [unit(MODELS, 'tumbling windows of event time'), unit(MODELS, 'sessions')],
  },
  {
    name: 'never-cleaned-up',
    what: 'a window whose trigger has no timer at its end stays for ever (semantics 2.3)',
    file: 'operators/window/window-operator.ts',
    find: '    cleanup.register(window)\n    call.hasOpened()',
    replace: '    call.hasOpened()',
    killers: [unit(at('window-operator'), 'clear is called for windows that have never fired')],
  },
  {
    name: 'old-lateness-for-ever',
    what: 'windows from before a lower allowed lateness are never cleaned up (semantics 2.3)',
    file: 'operators/window/cleanup-times.ts',
    find: 'return this.#isOf(domain) && timestamp >= time && time !== MAX_TIMESTAMP',
    replace: 'return this.#isOf(domain) && timestamp === time && time !== MAX_TIMESTAMP',
    killers: [unit(at('changed-lateness'), 'from a lateness of 50 to 0')],
  },
  {
    name: 'new-lateness-for-none',
    what: 'windows from before a higher allowed lateness are never cleaned up (semantics 2.3)',
    file: 'operators/window/window-operator.ts',
    find: 'else if (cleanup.mayBeTooEarly(domain, timestamp, window)) {',
    replace: 'else if (timestamp !== timestamp) {',
    killers: [unit(at('changed-lateness'), 'from a lateness of 0 to 50')],
  },
  {
    name: 'pending-forgotten',
    what: 'what late firing has put off is lost when the window is cleaned up',
    file: 'operators/window/window-operator.ts',
    find: "if (putOff !== undefined && !fires(result)) this.#follow('fire', window)",
    replace: '',
    killers: [
      unit(at('late-firing'), 'when the window is cleaned up'),
      unit(TRIGGERS, 'late firing'),
    ],
  },
  {
    name: 'evicted-comes-back',
    what: 'what an evictor has dropped is there again the next time (semantics 2.3)',
    file: 'operators/window/window-contents.ts',
    find: 'if (kept.length !== all.length) this.#state.update(kept)',
    replace: '',
    killers: [unit(at('evictors'), 'countEvictor'), unit(at('count-windows'), 'process')],
  },
  {
    name: 'counted-for-ever',
    what: 'a count trigger counts on when it has fired (semantics 2.4)',
    file: 'operators/window/count-trigger.ts',
    find: "      state.count.clear()\n      return 'fire'",
    replace: "      state.count.update(counted)\n      return 'fire'",
    killers: [unit(TRIGGERS, 'countTrigger'), unit(at('count-windows'), 'emits slices')],
  },
  {
    name: 'panes-after-their-windows',
    what: 'a pane stays in windows that begin after it (R42)',
    file: 'operators/window/pane-operator.ts',
    find: 'this.#dropBefore(next)',
    replace: 'this.#dropBefore(start)',
    killers: [unit(at('pane-operator'), 'in event time')],
  },
  {
    name: 'pane-of-the-window',
    what: 'a record is added to what begins with its last window, not to its pane (R42)',
    file: 'operators/window/pane-operator.ts',
    find: 'const pane = layout.pane(time, last)\n    this.#keyed.setNamespace(pane)',
    replace: 'const pane = layout.pane(time, last)\n    this.#keyed.setNamespace(last)',
    killers: [unit(CRASHES, 'panes'), unit(at('pane-operator'), 'in event time')],
  },
]
