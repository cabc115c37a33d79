import { parseDuration, type Duration } from '../runtime/duration.ts'
import { StreamError } from '../runtime/errors.ts'
import type { KeyExchange, StreamInput } from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import { checkOutputTag, type OutputTag } from '../runtime/operator.ts'
import { checkOptionNames, type OptionNames } from '../runtime/option-names.ts'
import {
  type ComparableField,
  EXTREME,
  type ExtremeOptions,
  fieldAggregate,
  type FieldAggregate,
  type SummableField,
} from './aggregate/field-aggregate.ts'
import { FieldFold } from './aggregate/field-fold.ts'
import { checkStateful, type MoreOptions } from './check-options.ts'
import { checkMade, checkMethods, functionObject } from './function.ts'
import type { StreamGraphBuilder } from './graph-builder.ts'
import type { ReduceFunction } from './reduce.ts'
import type { DataStream, LateFiringOptions, StatefulOptions, WindowedStream } from './streams.ts'
import { TOP_N, topNAggregate, type TopNRanking } from './top-n.ts'
import type { AggregateFunction } from './window/aggregate-function.ts'
import { checkTrigger } from './window/check-trigger.ts'
import type { Evictor } from './window/evictor.ts'
import { AggregateFold, ReduceFold, type ReduceObject } from './window/fold.ts'
import type { Window } from './window/time-window.ts'
import type { AnyTrigger } from './window/trigger.ts'
import type { AnyAssigner } from './window/window-assigner.ts'
import type { FiringFunction } from './window/window-call.ts'
import type { WindowFunction, WindowProcessFunction } from './window/window-function.ts'
import { positiveDuration } from './window/window-options.ts'
import { type WindowSettings, windowSpec } from './window/window-spec.ts'
import type { WindowWork } from './window/window-work.ts'

const LATE_FIRING: OptionNames<LateFiringOptions> = { atMostEvery: true }

/** Makes the stream that comes out of a node. */
export type StreamOf = <R>(output: StreamInput) => DataStream<R>

/** Where the streams behind a `keyBy` add their nodes. */
export interface KeyedPlace {
  readonly builder: StreamGraphBuilder
  readonly exchange: KeyExchange
  /** What the second input reads, of windows that hold the records of two. */
  readonly second?: KeyExchange
  readonly streamOf: StreamOf
  /** The only parallelism that operators may have; undefined: any. */
  readonly parallelism?: number
}

type Firing<In, R, K extends Key, W extends Window> =
  WindowFunction<In, R, K, W> | WindowProcessFunction<In, R, K, W>

/** The facade after `window`: settings are collected, and the method at the end adds the operator. */
export class GraphWindowedStream<
  T,
  K extends Key,
  W extends Window,
  M extends boolean,
> implements WindowedStream<T, K, W, M> {
  readonly #place: KeyedPlace
  readonly #settings: WindowSettings

  constructor(place: KeyedPlace, settings: WindowSettings) {
    this.#place = place
    this.#settings = settings
  }

  trigger(trigger: unknown): WindowedStream<T, K, W, M> {
    checkTrigger(trigger, 'trigger')
    return this.#with({ trigger: trigger as AnyTrigger })
  }

  evictor(evictor: Evictor<T, W>): WindowedStream<T, K, W, M> {
    if (evictor?.evictAfter === undefined) checkMethods(evictor, ['evictBefore'], 'evictor')
    return this.#with({ evictor: evictor as unknown as Evictor<unknown, Window> })
  }

  allowedLateness(lateness: Duration): WindowedStream<T, K, W, M> {
    return this.#with({ allowedLatenessMs: parseDuration(lateness, 'The allowed lateness') })
  }

  sideOutputLateData(tag: OutputTag<T>): WindowedStream<T, K, W, M> {
    checkOutputTag(tag, 'sideOutputLateData()')
    return this.#with({ lateTag: tag as OutputTag<unknown> })
  }

  lateFiring(options: LateFiringOptions): WindowedStream<T, K, W, M> {
    checkOptionNames(options, LATE_FIRING, 'lateFiring()')
    const { atMostEvery } = { ...options }
    const lateFiringMs = positiveDuration(atMostEvery, 'The interval of lateFiring')
    return this.#with({ lateFiringMs })
  }

  reduce<R>(
    reduce: ReduceFunction<T>,
    firingOrOptions: Firing<T, R, K, W> | StatefulOptions,
    optionsBehind?: StatefulOptions,
  ): DataStream<R> {
    const fold = new ReduceFold(functionObject<ReduceObject>(reduce, 'reduce'))
    return this.#folded(fold, firingOrOptions, optionsBehind)
  }

  aggregate<Acc, A, R>(
    aggregate: AggregateFunction<T, Acc, A>,
    firingOrOptions: Firing<A, R, K, W> | StatefulOptions,
    optionsBehind?: StatefulOptions,
  ): DataStream<R> {
    checkMethods(aggregate, ['create', 'add', 'result'], 'aggregate')
    const fold = new AggregateFold(aggregate as AggregateFunction<unknown, unknown, unknown>)
    return this.#folded(fold, firingOrOptions, optionsBehind)
  }

  process<R>(process: WindowProcessFunction<T, R, K, W>, options: StatefulOptions): DataStream<R> {
    checkMade(process, process?.definition, {
      what: 'process of a windowed stream',
      makers: 'windowProcessFunction(…)',
    })
    return this.#add({ firing: process.definition }, options)
  }

  sum(field: SummableField<T>, options: StatefulOptions): DataStream<T> {
    return this.#ofField(fieldAggregate('sum', field), options)
  }

  min(field: ComparableField<T>, options: StatefulOptions): DataStream<T> {
    return this.#ofField(fieldAggregate('min', field), options)
  }

  max(field: ComparableField<T>, options: StatefulOptions): DataStream<T> {
    return this.#ofField(fieldAggregate('max', field), options)
  }

  minBy(field: ComparableField<T>, options: StatefulOptions & ExtremeOptions): DataStream<T> {
    return this.#ofField(fieldAggregate('minBy', field, options), options, EXTREME)
  }

  maxBy(field: ComparableField<T>, options: StatefulOptions & ExtremeOptions): DataStream<T> {
    return this.#ofField(fieldAggregate('maxBy', field, options), options, EXTREME)
  }

  topN(n: number, options: StatefulOptions & TopNRanking<T>): DataStream<readonly T[]> {
    const fold = new AggregateFold(topNAggregate(n, options))
    return this.#add({ fold, firing: undefined }, options, TOP_N)
  }

  #ofField(
    aggregate: FieldAggregate,
    options: StatefulOptions,
    names?: MoreOptions['names'],
  ): DataStream<T> {
    return this.#add({ fold: new FieldFold(aggregate), firing: undefined }, options, names)
  }

  #folded<R>(
    fold: AggregateFold | ReduceFold,
    firingOrOptions: Firing<never, R, K, W> | StatefulOptions,
    optionsBehind: StatefulOptions | undefined,
  ): DataStream<R> {
    const firing = firingOf(firingOrOptions)
    if (firing !== undefined) return this.#add({ fold, firing }, optionsBehind)
    // What stands before options and is no function would be taken for them, and never be called.
    if (optionsBehind !== undefined) {
      checkMade(firing, firing, { what: 'a window', makers: 'windowProcessFunction(…)' })
    }
    return this.#add({ fold, firing }, firingOrOptions as StatefulOptions)
  }

  #add<R>(
    work: WindowWork,
    options: StatefulOptions | undefined,
    names: MoreOptions['names'] = {},
  ): DataStream<R> {
    const spec = windowSpec(this.#settings, work)
    const { builder, exchange, second, streamOf, parallelism: onlyParallelism } = this.#place
    const checked = checkStateful(options, spec.operatorKind, { names, onlyParallelism })
    return streamOf(builder.addOperator(spec, exchange, checked, second))
  }

  #with(settings: Partial<WindowSettings>): WindowedStream<T, K, W, M> {
    return new GraphWindowedStream(this.#place, { ...this.#settings, ...settings })
  }
}

/** The function of a window among the arguments, if it is there. */
function firingOf(given: unknown): FiringFunction {
  if (typeof given === 'function') return given as FiringFunction
  const { definition } = (given ?? {}) as { readonly definition?: FiringFunction }
  return definition
}

/** Fails with `MR_GRAPH_INVALID` for what assigns no windows, with `MR_NAME_INVALID` for what has no name. */
export function checkAssigner(assigner: unknown): AnyAssigner {
  checkMethods(assigner, ['assignWindows', 'defaultTrigger'], 'window')
  const { name } = assigner as AnyAssigner
  if (typeof name === 'string') return assigner as AnyAssigner
  throw new StreamError(
    'MR_NAME_INVALID',
    `window was given an assigner whose name is ${String(name)} (${typeof name}); the state of its windows could not be told from that of others; give it a name.`,
  )
}
