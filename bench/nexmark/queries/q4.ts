import { type Out, processFunction, valueState } from 'millrace'
import type { Query } from '../query.ts'
import { query as winningBids } from './q9.ts'

interface Won {
  readonly category: number
  readonly price: number
}

interface Row {
  readonly category: number
  readonly sum_final: number
  readonly n_auctions: number
  readonly avg_final: number
}

/** What the auctions of a category went for on average: a new row with every auction that ends. */
export const query: Query<Row> = (events) =>
  winningBids(events)
    .map(({ category, price }) => ({ category, price }))
    .keyBy((won) => won.category)
    .process(average(), { uid: 'average' })

const average = () =>
  processFunction({
    state: { row: valueState<Row>() },

    processElement({ category, price }: Won, ctx, out: Out<Row>) {
      const before = ctx.state.row.value()
      const sum = (before?.sum_final ?? 0) + price
      const auctions = (before?.n_auctions ?? 0) + 1
      const row = {
        category,
        sum_final: sum,
        n_auctions: auctions,
        avg_final: Math.floor(sum / auctions),
      }
      ctx.state.row.update(row)
      out.emit(row)
    },
  })
