/** The events of Nexmark, an auction house. All times are in ms since the epoch; prices are in cents. */

/** Somebody registers. */
export interface Person {
  readonly kind: 'person'
  readonly ts: number
  readonly id: number
  readonly name: string
  readonly email: string
  readonly creditCard: string
  readonly city: string
  readonly state: string
  /** Makes the record as long as one of a real auction house. */
  readonly extra: string
}

/** A person offers something. */
export interface Auction {
  readonly kind: 'auction'
  readonly ts: number
  readonly id: number
  readonly itemName: string
  readonly description: string
  readonly initialBid: number
  readonly reserve: number
  /** Bids count up to this time, inclusive. */
  readonly expires: number
  readonly seller: number
  /** 10 to 14. */
  readonly category: number
  readonly extra: string
}

/** A person bids for what an auction offers. */
export interface Bid {
  readonly kind: 'bid'
  readonly ts: number
  readonly auction: number
  readonly bidder: number
  readonly price: number
  readonly extra: string
}

/** One event of the stream; `kind` says which. Of 50 one is a person, 3 are auctions and 46 are bids. */
export type NexmarkEvent = Person | Auction | Bid
