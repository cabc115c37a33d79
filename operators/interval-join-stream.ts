import type { Duration } from '../runtime/duration.ts'
import type { Key } from '../runtime/key.ts'
import { checkOutputTag, type OutputTag } from '../runtime/operator.ts'
import { checkStateful } from './check-options.ts'
import type { TwoInputPlace } from './connected-streams.ts'
import {
  type IntervalJoinFunction,
  type IntervalJoinOptions,
  intervalJoinSpec,
} from './interval-join.ts'
import type { DataStream, IntervalJoin, IntervalJoinedStreams, StatefulOptions } from './streams.ts'

/** The facade after `intervalJoin`: the bounds are missing. */
export class GraphIntervalJoin<L, R, K extends Key> implements IntervalJoin<L, R, K> {
  readonly #place: TwoInputPlace

  constructor(place: TwoInputPlace) {
    this.#place = place
  }

  between(lower: Duration, upper: Duration): IntervalJoinedStreams<L, R, K> {
    return new GraphIntervalJoinedStreams(this.#place, {
      lower,
      upper,
      isLowerExclusive: false,
      isUpperExclusive: false,
      leftLate: undefined,
      rightLate: undefined,
    })
  }
}

/** The facade after `between`. */
class GraphIntervalJoinedStreams<L, R, K extends Key> implements IntervalJoinedStreams<L, R, K> {
  readonly #place: TwoInputPlace
  readonly #options: IntervalJoinOptions

  constructor(place: TwoInputPlace, options: IntervalJoinOptions) {
    this.#place = place
    this.#options = options
  }

  lowerBoundExclusive(): IntervalJoinedStreams<L, R, K> {
    return this.#with({ isLowerExclusive: true })
  }

  upperBoundExclusive(): IntervalJoinedStreams<L, R, K> {
    return this.#with({ isUpperExclusive: true })
  }

  sideOutputLeftLateData(tag: OutputTag<L>): IntervalJoinedStreams<L, R, K> {
    checkOutputTag(tag, 'sideOutputLeftLateData()')
    return this.#with({ leftLate: tag })
  }

  sideOutputRightLateData(tag: OutputTag<R>): IntervalJoinedStreams<L, R, K> {
    checkOutputTag(tag, 'sideOutputRightLateData()')
    return this.#with({ rightLate: tag })
  }

  process<Result>(
    join: IntervalJoinFunction<L, R, Result, K>,
    options: StatefulOptions,
  ): DataStream<Result> {
    const { builder, first, second, streamOf } = this.#place
    const checked = checkStateful(options, 'process of an interval join')
    return streamOf(
      builder.addOperator(intervalJoinSpec(join, this.#options), first, checked, second),
    )
  }

  #with(changes: Partial<IntervalJoinOptions>): IntervalJoinedStreams<L, R, K> {
    return new GraphIntervalJoinedStreams(this.#place, { ...this.#options, ...changes })
  }
}
