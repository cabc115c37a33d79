import type { Key } from '../runtime/key.ts'
import {
  checkFunctionKind,
  isBroadcast,
  isBroadcastFunction,
} from './broadcast/broadcast-inputs.ts'
import type { BroadcastProcessFunction } from './broadcast/broadcast-process.ts'
import type { KeyedBroadcastProcessFunction } from './broadcast/keyed-broadcast-process.ts'
import { checkPlain, checkStateful } from './check-options.ts'
import { type CoFlatMapFunction, coFlatMapSpec, type CoMapFunction, coMapSpec } from './co-map.ts'
import type { CoProcessFunction } from './co-process.ts'
import { type AnyCoElementFunction, coElementSpec } from './element-function.ts'
import { checkMade, checkMethods } from './function.ts'
import type { NodeInputs, NodeOptions, StreamGraphBuilder } from './graph-builder.ts'
import type { OperatorSpec } from './operator-spec.ts'
import type {
  BroadcastConnectedStreams,
  ConnectedStreams,
  DataStream,
  KeyedBroadcastConnectedStreams,
  KeyedConnectedStreams,
  PlainOptions,
  StatefulOptions,
} from './streams.ts'
import type { StreamOf } from './windowed-stream.ts'

/** Where an operator with two inputs is added, and what its inputs read. */
export interface TwoInputPlace {
  readonly builder: StreamGraphBuilder
  readonly first: NodeInputs
  readonly second: NodeInputs
  readonly streamOf: StreamOf
}

/** The facade after `connect` of two streams without keys, of which the second may be a broadcast one. */
export class GraphConnectedStreams<A, B>
  implements ConnectedStreams<A, B>, BroadcastConnectedStreams<A, B>
{
  readonly #place: TwoInputPlace

  constructor(place: TwoInputPlace) {
    this.#place = place
  }

  keyBy<const K extends Key>(
    first: (value: A) => K,
    second: (value: B) => K,
  ): KeyedConnectedStreams<A, B, K> {
    checkMethods({ first, second }, ['first', 'second'], 'keyBy of connected streams')
    const { builder, first: one, second: other } = this.#place
    return new GraphKeyedConnectedStreams({
      ...this.#place,
      first: builder.addExchange(first, inputsOf(one)),
      second: builder.addExchange(second, inputsOf(other)),
    })
  }

  map<R>(map: CoMapFunction<A, B, R>, options: PlainOptions = {}): DataStream<R> {
    return this.#add(coMapSpec(map), checkPlain(options, 'map'))
  }

  flatMap<R>(flatMap: CoFlatMapFunction<A, B, R>, options: PlainOptions = {}): DataStream<R> {
    return this.#add(coFlatMapSpec(flatMap), checkPlain(options, 'flatMap'))
  }

  process<R>(
    process: AnyCoElementFunction<A, B, R> | BroadcastProcessFunction<A, B, R>,
    options: PlainOptions = {},
  ): DataStream<R> {
    if (!isBroadcastFunction(process)) {
      return this.#add(coElementSpec(process), checkPlain(options, 'process'))
    }
    checkFunctionKind(process.spec, 'broadcast-process', this.#place.second)
    return this.#add(process.spec, checkStateful(options, 'process'))
  }

  #add<R>(spec: OperatorSpec, options: NodeOptions): DataStream<R> {
    const { builder, first, second, streamOf } = this.#place
    return streamOf(builder.addOperator(spec, first, options, second))
  }
}

/** The facade after `connect` of a keyed stream with another keyed one, or with a broadcast one. */
export class GraphKeyedConnectedStreams<A, B, K extends Key>
  implements KeyedConnectedStreams<A, B, K>, KeyedBroadcastConnectedStreams<A, B, K>
{
  readonly #place: TwoInputPlace

  constructor(place: TwoInputPlace) {
    this.#place = place
  }

  process<R>(
    process: CoProcessFunction<A, B, R, K> | KeyedBroadcastProcessFunction<A, B, R, K>,
    options: StatefulOptions,
  ): DataStream<R> {
    checkMade(process, process?.spec, {
      what: 'process of connected keyed streams',
      makers: 'coProcessFunction(…) or keyedBroadcastProcessFunction(…)',
    })
    const { builder, first, second, streamOf } = this.#place
    const kind = isBroadcast(second) ? 'keyed-broadcast-process' : 'co-process'
    checkFunctionKind(process.spec, kind, second)
    const checked = checkStateful(options, 'process')
    return streamOf(builder.addOperator(process.spec, first, checked, second))
  }
}

function inputsOf(reading: NodeInputs) {
  return 'selector' in reading ? reading.inputs : reading
}
