import type { LoopFactory } from '../loop.ts'

const SLIDE_MS = 2_000
const PANES = 5

type Counts = Map<number, { bids: number }>

/** Bids are counted once, in panes of two seconds; a window is the sum of five panes. */
export const q5: LoopFactory = (emit) => {
  /** The panes of the window that ends next, oldest first; the last one is being filled. */
  let panes: Counts[] = []
  let current: Counts = new Map()
  let paneStart = 0
  let paneEnd = -Infinity
  /** Sums of the panes before the last one. */
  const sums: Counts = new Map()

  const emitWindow = (): void => {
    let most = 0
    for (const { bids } of sums.values()) if (bids > most) most = bids
    if (most === 0) return
    const start = paneEnd - PANES * SLIDE_MS
    for (const [auction, { bids }] of sums) {
      if (bids === most) emit(start, paneEnd, auction, bids)
    }
  }
  /** Ends the pane that is being filled, and the window with it. */
  const endPane = (): void => {
    for (const [auction, { bids }] of current) {
      const sum = sums.get(auction)
      if (sum === undefined) sums.set(auction, { bids })
      else sum.bids += bids
    }
    panes.push(current)
    emitWindow()
    // The next window is without the oldest one.
    if (panes.length === PANES) {
      for (const [auction, { bids }] of panes[0]!) {
        const sum = sums.get(auction)!
        sum.bids -= bids
        if (sum.bids === 0) sums.delete(auction)
      }
      panes = panes.slice(1)
    }
    current = new Map()
    paneStart = paneEnd
    paneEnd += SLIDE_MS
  }
  const advance = (ts: number): void => {
    if (paneEnd === -Infinity) {
      paneStart = ts - (ts % SLIDE_MS)
      paneEnd = paneStart + SLIDE_MS
    }
    while (ts >= paneEnd) endPane()
  }
  return {
    read(events, { ms, auctions }) {
      for (const event of events) {
        if (event.kind !== 'bid') continue
        const ts = event.ts + ms
        if (ts >= paneEnd) advance(ts)
        const auction = event.auction + auctions
        const count = current.get(auction)
        if (count === undefined) current.set(auction, { bids: 1 })
        else count.bids++
      }
    },
    end() {
      if (paneEnd === -Infinity) return
      for (let pane = 0; pane < PANES; pane++) endPane()
    },
  }
}
