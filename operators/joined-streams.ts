import type { Duration } from '../runtime/duration.ts'
import type { StreamInput } from '../runtime/graph/stream-graph.ts'
import type { Key } from '../runtime/key.ts'
import type { OutputTag } from '../runtime/operator.ts'
import { checkMethods } from './function.ts'
import type { StreamGraphBuilder } from './graph-builder.ts'
import type {
  DataStream,
  JoinedOnKeys,
  JoinedOnLeftKey,
  JoinedStreams,
  JoinedWindows,
  LateFiringOptions,
  StatefulOptions,
  WindowedStream,
} from './streams.ts'
import type { Evictor } from './window/evictor.ts'
import { joinFiring, type JoinKind, type JoinRecord } from './window/join-function.ts'
import type { Window } from './window/time-window.ts'
import type { WindowAssigner } from './window/window-assigner.ts'
import {
  checkAssigner,
  GraphWindowedStream,
  type KeyedPlace,
  type StreamOf,
} from './windowed-stream.ts'

/** Where a join is added, and what its sides read. */
interface JoinPlace {
  readonly builder: StreamGraphBuilder
  readonly left: readonly StreamInput[]
  readonly right: readonly StreamInput[]
  readonly streamOf: StreamOf
}

/** The facade after `join`, `leftOuterJoin` and `coGroup`: both keys are missing. */
export class GraphJoinedStreams<L, R, Kind extends JoinKind> implements JoinedStreams<L, R, Kind> {
  readonly #kind: Kind
  readonly #place: JoinPlace

  constructor(kind: Kind, place: JoinPlace) {
    this.#kind = kind
    this.#place = place
  }

  where<const K extends Key>(where: (left: L) => K): JoinedOnLeftKey<L, R, K, Kind> {
    checkMethods({ where }, ['where'], this.#kind)
    const { builder, left, right, streamOf } = this.#place
    return {
      equalTo: (equalTo) => {
        checkMethods({ equalTo }, ['equalTo'], this.#kind)
        const exchange = builder.addExchange(where, left)
        const second = builder.addExchange(equalTo, right)
        return new GraphJoinedOnKeys(this.#kind, { builder, exchange, second, streamOf })
      },
    }
  }
}

/** The facade after `equalTo`: the windows are missing. */
class GraphJoinedOnKeys<L, R, K extends Key, Kind extends JoinKind> implements JoinedOnKeys<
  L,
  R,
  K,
  Kind
> {
  readonly #kind: Kind
  readonly #place: KeyedPlace

  constructor(kind: Kind, place: KeyedPlace) {
    this.#kind = kind
    this.#place = place
  }

  window<W extends Window, M extends boolean>(
    assigner: WindowAssigner<JoinRecord<L, R>, W, M>,
  ): JoinedWindows<L, R, K, Kind, W, M> {
    const settings = { assigner: checkAssigner(assigner), join: this.#kind }
    return new GraphJoinedWindows(this.#kind, new GraphWindowedStream(this.#place, settings))
  }
}

/** The facade after `window`: a windowed stream of the records of both sides, whose function joins them. */
class GraphJoinedWindows<
  L,
  R,
  K extends Key,
  Kind extends JoinKind,
  W extends Window,
  M extends boolean,
> implements JoinedWindows<L, R, K, Kind, W, M> {
  readonly #kind: Kind
  readonly #windowed: WindowedStream<JoinRecord<L, R>, K, W, M>

  constructor(kind: Kind, windowed: WindowedStream<JoinRecord<L, R>, K, W, M>) {
    this.#kind = kind
    this.#windowed = windowed
  }

  trigger(trigger: unknown): JoinedWindows<L, R, K, Kind, W, M> {
    return this.#of(this.#windowed.trigger(trigger as never))
  }

  evictor(evictor: Evictor<JoinRecord<L, R>, W>): JoinedWindows<L, R, K, Kind, W, M> {
    return this.#of(this.#windowed.evictor(evictor))
  }

  allowedLateness(lateness: Duration): JoinedWindows<L, R, K, Kind, W, M> {
    return this.#of(this.#windowed.allowedLateness(lateness))
  }

  sideOutputLateData(tag: OutputTag<JoinRecord<L, R>>): JoinedWindows<L, R, K, Kind, W, M> {
    return this.#of(this.#windowed.sideOutputLateData(tag))
  }

  lateFiring(options: LateFiringOptions): JoinedWindows<L, R, K, Kind, W, M> {
    return this.#of(this.#windowed.lateFiring(options))
  }

  apply<Result>(join: unknown, options: StatefulOptions): DataStream<Result> {
    return this.#windowed.process({ definition: joinFiring(this.#kind, join) }, options)
  }

  #of(windowed: WindowedStream<JoinRecord<L, R>, K, W, M>): JoinedWindows<L, R, K, Kind, W, M> {
    return new GraphJoinedWindows(this.#kind, windowed)
  }
}
