import type { LoopFactory } from '../loop.ts'

const GAP_MS = 10_000

interface Session {
  bids: number
  readonly start: number
  last: number
}

export const q11: LoopFactory = (emit) => {
  const sessions = new Map<number, Session>()
  let nextSweep = -Infinity
  const endSession = (bidder: number, { bids, start, last }: Session): void =>
    emit(bidder, bids, start, last + GAP_MS)
  /** Ends the sessions of those who have not come back. */
  const sweep = (ts: number): void => {
    for (const [bidder, session] of sessions) {
      if (session.last + GAP_MS >= ts) continue
      sessions.delete(bidder)
      endSession(bidder, session)
    }
    nextSweep = ts + GAP_MS
  }
  return {
    read(events, { ms, persons }) {
      for (const event of events) {
        if (event.kind !== 'bid') continue
        const ts = event.ts + ms
        if (ts >= nextSweep) sweep(ts)
        const bidder = event.bidder + persons
        const session = sessions.get(bidder)
        // A gap of exactly ten seconds still joins.
        if (session !== undefined && ts - session.last <= GAP_MS) {
          session.bids++
          session.last = ts
          continue
        }
        if (session !== undefined) endSession(bidder, session)
        sessions.set(bidder, { bids: 1, start: ts, last: ts })
      }
    },
    end() {
      for (const [bidder, session] of sessions) endSession(bidder, session)
    },
  }
}
