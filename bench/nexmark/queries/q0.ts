import { bidsOf } from '../events.ts'
import type { Bid } from '../model.ts'
import type { Query } from '../query.ts'

/** Every bid, as it is. */
export const query: Query<Bid> = (events) => bidsOf(events)
