import type { LoopFactory } from '../loop.ts'

const WINDOW_MS = 10_000

export const q8: LoopFactory = (emit) => {
  let windowEnd = -Infinity
  /** Who has registered in this window, without those who have opened an auction since. */
  const registered = new Map<number, string>()
  /** Who has opened an auction in this window before registering. */
  const early = new Set<number>()
  let newestPerson = -1
  return {
    read(events, { ms, persons }) {
      for (const event of events) {
        if (event.kind === 'bid') continue
        const ts = event.ts + ms
        if (ts >= windowEnd) {
          registered.clear()
          early.clear()
          windowEnd = ts - (ts % WINDOW_MS) + WINDOW_MS
        }
        if (event.kind === 'auction') {
          const seller = event.seller + persons
          const name = registered.get(seller)
          if (name !== undefined) {
            registered.delete(seller)
            emit(seller, name, windowEnd - WINDOW_MS)
          } else if (seller > newestPerson) early.add(seller)
        } else {
          newestPerson = event.id + persons
          if (early.delete(newestPerson)) emit(newestPerson, event.name, windowEnd - WINDOW_MS)
          else registered.set(newestPerson, event.name)
        }
      }
    },
    end() {},
  }
}
