import type { Key } from '../../runtime/key.ts'
import type { Out } from '../collector.ts'
import { type FunctionContext, type FunctionLifecycle, functionObject } from '../function.ts'
import type { Synchronous } from '../function.ts'
import { refusePromise } from '../synchronous.ts'
import type { Window, TimeWindow } from './time-window.ts'
import type { AnyWindowProcess, WindowContext } from './window-function.ts'

/** A record of either stream, as the assigner, the trigger and the evictor of a join see it, and its late output. */
export type JoinRecord<L, R> =
  { readonly side: 'left'; readonly value: L } | { readonly side: 'right'; readonly value: R }

/** What the type of an asynchronous join function says. */
export type JoinMustBeSynchronous =
  'join must not return a Promise: make slow calls before the join or behind it'

/**
 * Called for each pair of records of a window: makes one record of it, as a plain function or as an object where it has to be
 * opened and closed; or any number, as `flatJoin`. All have the last timestamp of the window.
 */
export type WindowJoinFunction<L, R, Result, K extends Key = Key, W extends Window = TimeWindow> =
  | ((left: L, right: R, ctx: WindowContext<K, W>) => Synchronous<Result, JoinMustBeSynchronous>)
  | (FunctionLifecycle & {
      join(left: L, right: R, ctx: WindowContext<K, W>): Synchronous<Result, JoinMustBeSynchronous>
    })
  | (FunctionLifecycle & {
      flatJoin(left: L, right: R, ctx: WindowContext<K, W>, out: Out<Result>): void | undefined
    })

/**
 * Called once for each key and window that has a record of either stream, with those of both in the order of arrival; one list
 * may be empty. Records are part of the state: they must not be changed.
 */
export type CoGroupFunction<L, R, Result, K extends Key = Key, W extends Window = TimeWindow> =
  | ((
      lefts: readonly L[],
      rights: readonly R[],
      ctx: WindowContext<K, W>,
      out: Out<Result>,
    ) => void | undefined)
  | (FunctionLifecycle & {
      coGroup(
        lefts: readonly L[],
        rights: readonly R[],
        ctx: WindowContext<K, W>,
        out: Out<Result>,
      ): void | undefined
    })

/** What becomes of the records of two streams that are in one window. */
export type JoinKind = 'join' | 'leftOuterJoin' | 'coGroup'

/** The function of a join of each kind; in an outer one the right record may be missing. */
export interface JoinFunctions<L, R, Result, K extends Key, W extends Window> {
  readonly join: WindowJoinFunction<L, R, Result, K, W>
  readonly leftOuterJoin: WindowJoinFunction<L, R | undefined, Result, K, W>
  readonly coGroup: CoGroupFunction<L, R, Result, K, W>
}

type PairFunction = (left: unknown, right: unknown, ctx: never, out: Out<unknown>) => void
type GroupFunction = (
  lefts: readonly unknown[],
  rights: readonly unknown[],
  ctx: never,
  out: Out<unknown>,
) => void

/**
 * The function over the contents of a window that joins them; all pairs of a left record come one after another, in the order
 * of arrival. Fails with `MR_GRAPH_INVALID` for what is no function of the kind.
 */
export function joinFiring(kind: JoinKind, given: unknown): AnyWindowProcess {
  if (kind !== 'coGroup') {
    const { lifecycle, joinPair } = pairFunction(given)
    return firing(lifecycle, allPairs(joinPair, kind === 'leftOuterJoin'))
  }
  const object = functionObject<FunctionLifecycle & { coGroup: GroupFunction }>(given, 'coGroup')
  return firing(object, (lefts, rights, ctx, out) => {
    refusePromise(object.coGroup(lefts, rights, ctx, out), 'the coGroup function')
  })
}

/** Either form of a join function as one that emits. */
function pairFunction(given: unknown): { lifecycle: FunctionLifecycle; joinPair: PairFunction } {
  const { flatJoin } = (given ?? {}) as { readonly flatJoin?: unknown }
  if (typeof flatJoin === 'function') {
    const object = given as FunctionLifecycle & { flatJoin: PairFunction }
    return {
      lifecycle: object,
      joinPair: (left, right, ctx, out) => {
        refusePromise(object.flatJoin(left, right, ctx, out), 'flatJoin of the join function')
      },
    }
  }
  const object = functionObject<FunctionLifecycle & { join: PairFunction }>(given, 'join')
  return {
    lifecycle: object,
    joinPair: (left, right, ctx, out) => {
      const result: unknown = object.join(left, right, ctx, out)
      if (typeof result === 'object') refusePromise(result, 'the join function')
      out.emit(result)
    },
  }
}

function allPairs(joinPair: PairFunction, isOuter: boolean): GroupFunction {
  return (lefts, rights, ctx, out) => {
    for (const left of lefts) {
      for (const right of rights) joinPair(left, right, ctx, out)
      if (isOuter && rights.length === 0) joinPair(left, undefined, ctx, out)
    }
  }
}

function firing(lifecycle: FunctionLifecycle, group: GroupFunction): AnyWindowProcess {
  return {
    open: (context: FunctionContext) => lifecycle.open?.(context),
    close: () => lifecycle.close?.(),
    process(elements: readonly JoinRecord<unknown, unknown>[], ctx, out) {
      const lefts: unknown[] = []
      const rights: unknown[] = []
      for (const { side, value } of elements) (side === 'left' ? lefts : rights).push(value)
      group(lefts, rights, ctx as never, out)
    },
  }
}
