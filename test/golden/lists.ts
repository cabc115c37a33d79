import {
  collectionSink,
  dataGeneratorSource,
  job,
  listState,
  monotonousTimestamps,
  type Out,
  param,
  processFunction,
} from 'millrace'

/** An element of a list: of a key every other index. */
export interface Element {
  readonly index: number
  readonly text: string
}

/** What is known of a key by then. */
export interface ListRow {
  readonly index: number
  /** How many elements its lists have; less than 0 where they are not the right ones in the right order. */
  readonly n: readonly number[]
}

const KEYS = 2
const TEXT =
  'so many characters that a few dozen elements fill a piece of a list, and a few hundred several'

export function elementOf(index: number): Element {
  return { index, text: `${index}: ${TEXT}` }
}

/** What the job must put out for a record, wherever it was interrupted. */
export function listRowOf(index: number): ListRow {
  const n = Math.floor(index / KEYS) + 1
  return { index, n: [n, n] }
}

/**
 * The job of the savepoints with long lists: one that is kept for ever, and one whose elements expire, if late. What it declares
 * must not change: those savepoints are of it.
 */
export default job(
  'golden-lists',
  { params: { count: param.number(1e6), rate: param.number(0) } },
  (env, { count, rate }) => {
    env
      .fromSource(dataGeneratorSource({ count, rate, generate: elementOf }), {
        uid: 'elements',
        watermarks: monotonousTimestamps((element) => element.index),
      })
      .keyBy((element) => element.index % KEYS)
      .process(lists(), { uid: 'lists' })
      .sinkTo(collectionSink(), { uid: 'rows' })
  },
)

const lists = () =>
  processFunction({
    state: {
      kept: listState<Element>(),
      aged: listState<Element>({ ttl: { duration: '1d', timeDomain: 'event' } }),
    },
    processElement(element: Element, ctx, out: Out<ListRow>) {
      const { kept, aged } = ctx.state
      kept.add(element)
      aged.addAll([element])
      out.emit({ index: element.index, n: [kept.get(), aged.get()].map(lengthOf) })
    },
  })

function lengthOf(list: readonly Element[]): number {
  const isRight = list.every(
    ({ index, text }, i) => index === list[0]!.index + i * KEYS && text === `${index}: ${TEXT}`,
  )
  return isRight && list[0]!.index < KEYS ? list.length : -list.length
}
