import type { Auction, Bid, Person } from '../../../bench/nexmark/model.ts'

export const NOON: number = Date.UTC(2015, 6, 15, 12)

/** A bid with what matters of it. */
export const bid = (one: Omit<Bid, 'kind' | 'extra'>): Bid => ({ kind: 'bid', extra: '', ...one })

/** An auction of category 10 with what matters of it. */
export const auction = (one: Pick<Auction, 'id' | 'seller' | 'ts' | 'expires'>): Auction => ({
  kind: 'auction',
  itemName: '',
  description: '',
  initialBid: 0,
  reserve: 0,
  category: 10,
  extra: '',
  ...one,
})

/** A person with what matters of it. */
export const person = (one: Pick<Person, 'id' | 'state' | 'ts'>): Person => ({
  kind: 'person',
  name: `name ${one.id}`,
  email: '',
  creditCard: '',
  city: '',
  extra: '',
  ...one,
})
