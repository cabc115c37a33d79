import { StreamError } from '../../runtime/errors.ts'
import type { OperatorContext, OutputTag } from '../../runtime/operator.ts'
import {
  listState,
  type ListState,
  type StateDescriptor,
  type ValueState,
  valueState,
} from '../../runtime/state/state.ts'
import type { OperatorSpec } from '../operator-spec.ts'
import { keyedOf } from '../process-context.ts'
import { CleanupTimes } from './cleanup-times.ts'
import type { Evictor, WindowElement } from './evictor.ts'
import type { JoinKind } from './join-function.ts'
import { LATE_FIRING, LateFiring } from './late-firing.ts'
import { MergingWindows, mergingStates } from './merging-windows.ts'
import { PaneOperator, paneStates } from './pane-operator.ts'
import { SessionOperator, sessionStates } from './session-operator.ts'
import { SessionWindows } from './session-windows.ts'
import { SlidingWindows } from './sliding-windows.ts'
import type { Window } from './time-window.ts'
import type { AnyTrigger } from './trigger.ts'
import { TumblingOperator } from './tumbling-operator.ts'
import { TumblingWindows } from './tumbling-windows.ts'
import { TwoInputWindows } from './two-input-windows.ts'
import type { AnyAssigner } from './window-assigner.ts'
import { type FiringFunction, firingStates, WindowCall } from './window-call.ts'
import {
  AccumulatedContents,
  BufferedContents,
  EvictedContents,
  type WindowContents,
} from './window-contents.ts'
import { namespacesOf } from './window-namespace.ts'
import { WindowOperator } from './window-operator.ts'
import { SeparateWindows } from './window-space.ts'
import { triggerStates, WindowTriggers } from './window-triggers.ts'
import { lifecycleOf, type WindowWork } from './window-work.ts'

/** How records are grouped by windows, as the facade has collected it. */
export interface WindowSettings {
  readonly assigner: AnyAssigner
  /** Undefined: that of the assigner. */
  readonly trigger?: AnyTrigger | undefined
  readonly evictor?: Evictor<unknown, Window> | undefined
  readonly allowedLatenessMs?: number
  readonly lateTag?: OutputTag<unknown> | undefined
  readonly lateFiringMs?: number | undefined
  /** Set where the windows hold the records of two inputs: what becomes of them. */
  readonly join?: JoinKind | undefined
}

/** What joins are called in plans and messages. */
const JOIN_KINDS: Readonly<Record<JoinKind, string>> = {
  join: 'window-join',
  leftOuterJoin: 'window-left-outer-join',
  coGroup: 'window-co-group',
}

/** The operator for windows of any kind. Fails with `MR_GRAPH_INVALID` or `MR_OPTION_INVALID` for what does not go together. */
export function windowSpec(settings: WindowSettings, work: WindowWork): OperatorSpec {
  checkSettings(settings, work)
  const { assigner, lateFiringMs, join } = settings
  const folded = foldedSpec(settings, work)
  if (folded !== undefined) return folded
  const trigger = settings.trigger ?? assigner.defaultTrigger()
  const contents = contentsState(settings, work)
  const merging = assigner.isMerging ? mergingStates(assigner.name) : []
  return {
    operatorKind: join === undefined ? `window-${work.fold?.kind ?? 'process'}` : JOIN_KINDS[join],
    states: [
      contents,
      ...merging,
      ...triggerStates(trigger),
      ...firingStates(work.firing),
      ...(lateFiringMs === undefined ? [] : [LATE_FIRING]),
    ],
    hasTimers: true,
    hasOperatorState: assigner.keepsNumber === true,
    // Another number of subtasks draws anew: open windows are state of their keys, and know where they begin.
    stateSpread: 'fresh',
    factory: (context) => makeOperator({ settings, work, trigger, contents, merging, context }),
  }
}

/**
 * The operators of their own: for the plainest windows, for sessions, and for windows that share panes (R42); undefined for all
 * else, which is whatever looks at a window between its first record and its end.
 */
function foldedSpec(settings: WindowSettings, work: WindowWork): OperatorSpec | undefined {
  const { assigner, trigger, evictor, lateTag, lateFiringMs } = settings
  const { fold, firing } = work
  if (fold === undefined || hasWindowState(firing)) return undefined
  if (trigger !== undefined || evictor !== undefined) return undefined
  if (lateTag !== undefined || lateFiringMs !== undefined) return undefined
  const { allowedLatenessMs = 0 } = settings
  const kind = { operatorKind: `window-${fold.kind}`, hasTimers: true }
  if (isPlain(assigner) && allowedLatenessMs === 0) {
    const state = contentsState(settings, work)
    return {
      ...kind,
      states: [state, ...firingStates(firing)],
      factory: (context) => new TumblingOperator(assigner, { fold, firing }, state, context),
    }
  }
  if (!fold.canMerge) return undefined
  if (isSessions(assigner)) {
    return {
      ...kind,
      states: [...sessionStates(assigner, fold), ...firingStates(firing)],
      factory: (context) =>
        new SessionOperator(assigner, { fold, firing }, allowedLatenessMs, context),
    }
  }
  if (!(assigner instanceof SlidingWindows)) return undefined
  // With a slide of the size or above it a record is in one window at most, which is a pane.
  if (assigner.sizeMs <= assigner.slideMs) return undefined
  return {
    ...kind,
    states: [...paneStates(assigner, fold), ...firingStates(firing)],
    factory: (context) => new PaneOperator(assigner, { fold, firing }, allowedLatenessMs, context),
  }
}

function isPlain(assigner: AnyAssigner): assigner is TumblingWindows {
  return (
    assigner instanceof TumblingWindows && assigner.isEventTime && assigner.stagger === 'aligned'
  )
}

function isSessions(assigner: AnyAssigner): assigner is SessionWindows<never> {
  return assigner instanceof SessionWindows && assigner.isEventTime
}

/** Whether a function has something of each window, or has to be told of its end. */
function hasWindowState(firing: FiringFunction): boolean {
  if (typeof firing !== 'object') return false
  return firing.windowState !== undefined || firing.clear !== undefined
}

/**
 * The state of what is in windows. Its name says which windows, and in which form: what another version of the job has left
 * under another name is not taken for it.
 */
function contentsState(
  { assigner, trigger, evictor, join }: WindowSettings,
  { fold }: WindowWork,
): StateDescriptor {
  const elements = join === undefined ? 'elements' : 'joined-elements'
  if (evictor !== undefined) return { ...listState(), name: `${assigner.name}.timed-${elements}` }
  if (fold === undefined) return { ...listState(), name: `${assigner.name}.${elements}` }
  // The plainest windows rely on a timer at their end, which windows with a trigger of their own need not have.
  const triggered = trigger !== undefined && isPlain(assigner) ? '.triggered' : ''
  return { ...valueState(), name: `${assigner.name}.${fold.kind}${triggered}` }
}

function makeOperator(options: {
  readonly settings: WindowSettings
  readonly work: WindowWork
  readonly trigger: AnyTrigger
  readonly contents: StateDescriptor
  readonly merging: readonly StateDescriptor[]
  readonly context: OperatorContext
}): WindowOperator {
  const { settings, work, trigger, merging, context } = options
  const { assigner, lateFiringMs } = settings
  const keyed = keyedOf(context)
  const namespaces = namespacesOf(assigner.sizeMs)
  const cleanup = new CleanupTimes(
    keyed.timers,
    assigner.isEventTime,
    settings.allowedLatenessMs ?? 0,
  )
  const call = new WindowCall(work.firing, context, keyed)
  const OperatorClass = settings.join === undefined ? WindowOperator : TwoInputWindows
  return new OperatorClass(
    {
      assigner,
      namespaces,
      space: (onMerge) =>
        assigner.isMerging
          ? new MergingWindows(keyed, merging, onMerge)
          : new SeparateWindows(namespaces, assigner.sizeMs),
      contents: makeContents(keyed.state(options.contents), settings, work, call),
      triggers: new WindowTriggers({ trigger, keyed, namespaces, cleanup }),
      cleanup,
      call,
      lateFiring: lateFiringMs === undefined ? undefined : new LateFiring(keyed, lateFiringMs),
      lateTag: settings.lateTag,
    },
    lifecycleOf(work),
    context,
  )
}

function makeContents(
  handle: unknown,
  { evictor }: WindowSettings,
  { fold }: WindowWork,
  call: WindowCall,
): WindowContents {
  if (evictor !== undefined) {
    const state = handle as ListState<WindowElement<unknown>>
    return new EvictedContents({ state, evictor, fold, call })
  }
  if (fold !== undefined) return new AccumulatedContents(handle as ValueState<unknown>, fold, call)
  return new BufferedContents(handle as ListState<unknown>, call)
}

function checkSettings(settings: WindowSettings, work: WindowWork): void {
  const { assigner, trigger, evictor, allowedLatenessMs = 0, lateFiringMs } = settings
  if (lateFiringMs !== undefined && (!assigner.isEventTime || allowedLatenessMs === 0)) {
    throw new StreamError(
      'MR_OPTION_INVALID',
      'lateFiring is set for windows that take no late records, so there is nothing to put off; set allowedLateness on windows of event time, or leave it out.',
    )
  }
  if (!assigner.isMerging) return
  const wrong = mergeProblem(trigger ?? assigner.defaultTrigger(), work, evictor !== undefined)
  if (wrong === undefined) return
  const { what, wayOut } = wrong
  throw new StreamError(
    'MR_GRAPH_INVALID',
    `the windows of assigner "${assigner.name}" merge, and ${what}; what two windows have could not become that of one; ${wayOut}.`,
    { assigner: assigner.name },
  )
}

function mergeProblem(
  trigger: AnyTrigger,
  { fold, firing }: WindowWork,
  isEvicted: boolean,
): { what: string; wayOut: string } | undefined {
  if (trigger.onMerge === undefined) {
    return { what: 'their trigger has no onMerge', wayOut: 'use another trigger, or add onMerge' }
  }
  if (fold?.canMerge === false && !isEvicted) {
    return {
      what: 'their aggregate function has no merge',
      wayOut: 'add merge, which makes one accumulator of two',
    }
  }
  if (typeof firing === 'object' && firing.windowState !== undefined) {
    return {
      what: 'their function declares windowState',
      wayOut: 'use globalState, which belongs to the key',
    }
  }
  return undefined
}
