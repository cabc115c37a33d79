import { type Out, processFunction, valueState } from 'millrace'
import type { Alert } from './alert.ts'
import { MAX_DISORDER_SECONDS, type Transaction } from './transaction.ts'

const WITHIN_SECONDS = 600
const FARTHER_THAN_KM = 100.5
const EARTH_RADIUS_KM = 6_371
const KEPT_SECONDS = WITHIN_SECONDS + MAX_DISORDER_SECONDS

interface Place {
  ts: number
  lat: number
  long: number
}

/** Raises when a card's previous transaction was at most ten minutes before and too far away. */
export const impossibleTravel = () =>
  processFunction({
    state: { previous: valueState<Place>() },

    processElement(transaction: Transaction, ctx, out: Out<Alert>) {
      const { previous } = ctx.state
      const { ts, lat, long, seq, card } = transaction
      const before = previous.value()
      if (before === undefined) ctx.timers.registerEventTime((ts + KEPT_SECONDS) * 1_000)
      else {
        const seconds = ts - before.ts
        if (seconds >= 0 && seconds <= WITHIN_SECONDS) {
          const km = haversineKm(before, transaction)
          if (km > FARTHER_THAN_KM) {
            out.emit({ rule: 'impossible-travel', seq, card, seconds, km: Math.round(km) })
          }
        }
      }
      previous.update({ ts, lat, long })
    },

    onTimer(timestamp, ctx) {
      const { previous } = ctx.state
      const before = previous.value()
      if (before === undefined) return
      const freeAt = (before.ts + KEPT_SECONDS) * 1_000
      if (freeAt <= timestamp) previous.clear()
      else ctx.timers.registerEventTime(freeAt)
    },
  })

/** Distance on the surface of the earth (haversine formula). */
export function haversineKm(
  a: { readonly lat: number; readonly long: number },
  b: { readonly lat: number; readonly long: number },
): number {
  const dLat = radians(b.lat - a.lat)
  const dLong = radians(b.long - a.long)
  const h =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(dLong / 2) ** 2
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(h))
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
