import { SystemClock } from '../../runtime/clock.ts'
import type { Key } from '../../runtime/key.ts'
import type { KeyedStateBackend } from '../../runtime/state/state-backend.ts'
import {
  type AggregatingState,
  aggregatingState,
  type ListState,
  listState,
  type MapState,
  mapState,
  type ReducingState,
  reducingState,
  type ValueState,
  valueState,
} from '../../runtime/state/state.ts'
import type { StateOptions } from '../../runtime/state/state-options.ts'
import { EventTtlTime } from '../../runtime/state/ttl-time.ts'

/** A clock set by hand, on which no work takes any time; turns are real, since real writes need them. */
export class SettableClock extends SystemClock {
  time = 1_000

  override elapsed(): number {
    return 0
  }

  override now(): number {
    return this.time
  }
}

export interface TimedHandles {
  readonly value: ValueState<unknown>
  readonly list: ListState<unknown>
  readonly map: MapState<Key, unknown>
  readonly reducing: ReducingState<number>
  readonly aggregating: AggregatingState<number, string>
  readonly eventTime: EventTtlTime
}

/** One state of each kind, all with the same time to live. */
export function registerTimed(
  backend: KeyedStateBackend,
  ttl: StateOptions['ttl'],
  eventTime: EventTtlTime = new EventTtlTime(-Infinity),
): TimedHandles {
  const options = ttl === undefined ? {} : { ttl }
  const aggregate = {
    create: () => ({ sum: 0, count: 0 }),
    add: (all: { sum: number; count: number }, n: number) => {
      all.sum += n
      all.count++
      return all
    },
    result: ({ sum, count }: { sum: number; count: number }) => `${sum} in ${count}`,
  }
  return {
    value: backend.register(1, 'op', { ...valueState<unknown>(options), name: 'value' }, eventTime),
    list: backend.register(2, 'op', { ...listState<unknown>(options), name: 'list' }, eventTime),
    map: backend.register(3, 'op', { ...mapState<Key, unknown>(options), name: 'map' }, eventTime),
    reducing: backend.register(
      4,
      'op',
      { ...reducingState((a: number, b: number) => a + b, options), name: 'reducing' },
      eventTime,
    ),
    aggregating: backend.register(
      // 5 and 6 are the timers of the contract's other states.
      7,
      'op',
      { ...aggregatingState(aggregate, options), name: 'aggregating' },
      eventTime,
    ),
    eventTime,
  }
}
