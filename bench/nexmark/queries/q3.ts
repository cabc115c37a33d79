import { coProcessFunction, listState, type Out, valueState } from 'millrace'
import { auctionsOf, personsOf } from '../events.ts'
import type { Query } from '../query.ts'

const STATES: ReadonlySet<string> = new Set(['OR', 'ID', 'CA'])
const CATEGORY = 10

interface Seller {
  readonly id: number
  readonly name: string
  readonly city: string
  readonly state: string
}

interface Offer {
  readonly id: number
  readonly seller: number
}

interface Row {
  readonly name: string
  readonly city: string
  readonly state: string
  readonly id: number
}

/** The auctions of one category whose sellers live in three states; one may come any time after the other. */
export const query: Query<Row> = (events) => {
  const sellers = personsOf(events)
    .filter((person) => STATES.has(person.state))
    .map(({ id, name, city, state }) => ({ id, name, city, state }))
  const offers = auctionsOf(events)
    .filter((auction) => auction.category === CATEGORY)
    .map(({ id, seller }) => ({ id, seller }))
  return sellers
    .keyBy((seller) => seller.id)
    .connect(offers.keyBy((offer) => offer.seller))
    .process(offersOfSellers(), { uid: 'offers-of-sellers' })
}

/** There is one person of an id, so an auction is kept only until that one has come. */
const offersOfSellers = () =>
  coProcessFunction({
    state: { seller: valueState<Seller>(), waiting: listState<number>() },

    processElement1(seller: Seller, ctx, out: Out<Row>) {
      const { state } = ctx
      state.seller.update(seller)
      for (const id of state.waiting.get()) out.emit(rowOf(seller, id))
      state.waiting.clear()
    },

    processElement2(offer: Offer, ctx, out: Out<Row>) {
      const { state } = ctx
      const seller = state.seller.value()
      if (seller === undefined) state.waiting.add(offer.id)
      else out.emit(rowOf(seller, offer.id))
    },
  })

const rowOf = ({ name, city, state }: Seller, id: number): Row => ({ name, city, state, id })
