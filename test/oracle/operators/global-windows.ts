import type { Out } from '../../../operators/collector.ts'
import type { WindowedStream } from '../../../operators/streams.ts'
import { countTrigger } from '../../../operators/window/count-trigger.ts'
import { continuousEventTimeTrigger } from '../../../operators/window/continuous-triggers.ts'
import { deltaTrigger } from '../../../operators/window/delta-trigger.ts'
import { countEvictor, deltaEvictor, timeEvictor } from '../../../operators/window/evictor.ts'
import { globalWindows } from '../../../operators/window/global-windows.ts'
import { purgingTrigger } from '../../../operators/window/purging-trigger.ts'
import type { GlobalWindow } from '../../../operators/window/time-window.ts'
import { windowProcessFunction } from '../../../operators/window/window-function.ts'
import type { Random } from '../../../runtime/clock.ts'
import type { Key } from '../../../runtime/key.ts'
import { below, pick } from '../../simulation/rows.ts'
import { type Event, keyText } from '../event.ts'
import type { OracleOperator, Row } from '../oracle-operator.ts'
import { logUniform, randomSpan, type RandomStream } from '../random-stream.ts'
import { GlobalWindowModel, type GlobalWindowParams } from './global-window-model.ts'
import { rowsByKey } from './keyed-model.ts'

/** A window that keeps all its records writes them anew each time that an evictor was there. */
const MAX_EVENTS = 600

/** Most firings of a continuous trigger in the whole span. */
const MAX_INTERVALS = 30

/** One window for all of time, with triggers and evictors (semantics 2.4). */
export const globalWindowsOfKeys: OracleOperator<GlobalWindowParams> = {
  name: 'global-windows',
  inputs: 1,
  certainties: ['exact', 'exact', 'in-time', 'loose'],
  isOrdered: true,
  maxEvents: MAX_EVENTS,

  draw(random: Random, stream: RandomStream) {
    const { certainty, spanMs } = stream
    const kinds = ['count', 'count', 'delta', 'end'] as const
    const trigger = pick(random, certainty === 'exact' ? [...kinds, 'continuous' as const] : kinds)
    const least = Math.ceil((spanMs + 1) / MAX_INTERVALS)
    const limits = {
      count: logUniform(random, 1, 30),
      delta: below(random, 60),
      end: 0,
      continuous: Math.max(least, randomSpan(random, stream, spanMs)),
    }
    const evictor = pick(random, ['none', 'none', 'count', 'time', 'delta'] as const)
    const kept = {
      none: 0,
      count: logUniform(random, 1, 30),
      time: randomSpan(random, stream, spanMs),
      delta: below(random, 60),
    }
    return {
      trigger,
      limit: limits[trigger],
      isPurging: below(random, 2) === 0,
      evictor,
      kept: kept[evictor],
      evictsAfter: below(random, 2) === 0,
      isAggregated: below(random, 2) === 0,
    }
  },

  build({ first, keyOf }, params, options) {
    const fireAtEndOfStream = params.trigger === 'end'
    const windowed = evicted(
      triggered(first.keyBy(keyOf).window(globalWindows({ fireAtEndOfStream })), params),
      params,
    )
    const main = params.isAggregated
      ? windowed.aggregate(
          idsInOrder,
          (ids, ctx, out: Out<Row>) => out.emit([keyText(ctx.key), ids]),
          options,
        )
      : windowed.process(processed, options)
    return { main }
  },

  late: () => 'false',

  expected: async ({ events }, params) => ({
    rows: rowsByKey(events, () => new GlobalWindowModel(params)),
  }),
}

type Windowed = WindowedStream<Event, Key, GlobalWindow>

function triggered(
  windowed: Windowed,
  { trigger, limit, isPurging }: GlobalWindowParams,
): Windowed {
  const purge = isPurging ? purgingTrigger : <T>(nested: T): T => nested
  switch (trigger) {
    case 'end':
      return windowed
    case 'count':
      return windowed.trigger(purge(countTrigger(limit)))
    case 'delta':
      return windowed.trigger(purge(deltaTrigger(limit, (a: Event, b: Event) => b.n - a.n)))
    case 'continuous':
      return windowed.trigger(purge(continuousEventTimeTrigger(limit)))
  }
}

function evicted(windowed: Windowed, { evictor, kept, evictsAfter }: GlobalWindowParams): Windowed {
  const options = { after: evictsAfter }
  switch (evictor) {
    case 'none':
      return windowed
    case 'count':
      return windowed.evictor(countEvictor(kept, options))
    case 'time':
      return windowed.evictor(timeEvictor(kept, options))
    case 'delta':
      return windowed.evictor(deltaEvictor(kept, (a: Event, b: Event) => b.n - a.n, options))
  }
}

const idsInOrder = {
  create: () => '',
  add: (ids: string, { id }: Event) => (ids === '' ? String(id) : `${ids},${id}`),
  result: (ids: string) => ids,
}

const processed = windowProcessFunction({
  process(events: readonly Event[], ctx, out: Out<Row>) {
    out.emit([keyText(ctx.key as Key), events.map(({ id }) => id).join()])
  },
} satisfies Parameters<typeof windowProcessFunction<Event, Row, {}, {}, Key, GlobalWindow>>[0])
