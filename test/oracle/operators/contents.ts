import type { Out } from '../../../operators/collector.ts'
import type { DataStream, StatefulOptions, WindowedStream } from '../../../operators/streams.ts'
import type { MergingAggregateFunction } from '../../../operators/window/aggregate-function.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import {
  type WindowContext,
  windowProcessFunction,
} from '../../../operators/window/window-function.ts'
import type { Key } from '../../../runtime/key.ts'
import { type Event, keyText } from '../event.ts'
import type { Row } from '../oracle-operator.ts'

/** Count, sum of n, sum of ids, sum of squared ids: sets of events that are equal in all four are, nearly surely, the same. */
export type Content = readonly [count: number, sum: number, ids: number, squares: number]

/** The same in SQL. */
export const CONTENT_COLUMNS =
  'count(*), sum(n)::bigint, sum(id)::bigint, sum(id::bigint * id)::bigint'

/** What a group of events comes to; exact in any order, as all are whole numbers. */
export const contents: MergingAggregateFunction<Event, Content, Content> = {
  create: () => [0, 0, 0, 0],
  add: (content, event) => sum(content, contentOf(event)),
  result: (content) => content,
  merge: sum,
}

function contentOf({ id, n }: Event): Content {
  return [1, n, id, id * id]
}

function sum(a: Content, b: Content): Content {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
}

/** The ways to what is in a window; all must come to the same. */
export const FOLDS = ['reduce', 'aggregate', 'process', 'aggregate-process'] as const

export type Fold = (typeof FOLDS)[number]

/** Those that tell which events are in a window, for cases in which more than one answer is right. */
export const LOOSE_FOLDS = ['ids', 'sorted-ids'] as const

/** Ids in ascending order, the same however they come together. */
const sortedIds: MergingAggregateFunction<Event, readonly number[], string> = {
  create: () => [],
  add: (ids, { id }) => [...ids, id].sort((a, b) => a - b),
  result: (ids) => ids.join(),
  merge: (a, b) => [...a, ...b].sort((x, y) => x - y),
}

/** A record for `reduce`, whose result must be of the same type. */
interface Counted extends Event {
  readonly content?: Content
}

/** Rows of key, start, end and content (or, instead of that, the ids in it) each time that a window fires. */
export function foldWindows(
  windowed: WindowedStream<Event, Key, TimeWindow, false>,
  fold: Fold | 'ids' | 'sorted-ids',
  options: StatefulOptions,
): DataStream<Row> {
  const emit = (content: Content, ctx: WindowContext<Key>, out: Out<Row>): void =>
    out.emit([keyText(ctx.key), ctx.window.start, ctx.window.end, ...content])
  switch (fold) {
    case 'aggregate':
      return windowed.aggregate(contents, emit, options)
    case 'aggregate-process': {
      const process = windowProcessFunction({
        process: ([content]: readonly Content[], ctx, out: Out<Row>) => emit(content!, ctx, out),
      })
      return windowed.aggregate(contents, process, options)
    }
    case 'process': {
      const process = windowProcessFunction({
        process: (events: readonly Event[], ctx, out: Out<Row>) =>
          emit(events.map(contentOf).reduce(sum), ctx, out),
      })
      return windowed.process(process, options)
    }
    case 'ids': {
      const process = windowProcessFunction({
        process: (events: readonly Event[], ctx, out: Out<Row>) => {
          const ids = events.map(({ id }) => id).join()
          out.emit([keyText(ctx.key), ctx.window.start, ctx.window.end, ids])
        },
      })
      return windowed.process(process, options)
    }
    case 'sorted-ids':
      return windowed.aggregate(
        sortedIds,
        (ids, ctx, out: Out<Row>) =>
          out.emit([keyText(ctx.key), ctx.window.start, ctx.window.end, ids]),
        options,
      )
    case 'reduce':
      return windowed.reduce(
        (a: Counted, b: Counted): Counted => ({
          ...b,
          content: sum(a.content ?? contentOf(a), b.content ?? contentOf(b)),
        }),
        (one: Counted, ctx, out: Out<Row>) => emit(one.content ?? contentOf(one), ctx, out),
        options,
      )
  }
}
