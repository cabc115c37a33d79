import type { Ttl, TtlTimeDomain } from './state-ttl.ts'
import type { TtlTime } from './ttl-time.ts'

/** The time to live of one state: what expires when, by which clock (semantics 2.17). */
export class CellTtl {
  readonly domain: TtlTimeDomain
  readonly durationMs: number
  /** Whether reads count as access. */
  readonly isRenewedByReads: boolean
  /** Whether what has expired is returned by the read that removes it. */
  readonly returnsExpired: boolean
  readonly time: TtlTime

  constructor(ttl: Ttl, time: TtlTime) {
    this.domain = ttl.timeDomain
    this.durationMs = ttl.durationMs
    this.isRenewedByReads = ttl.update === 'onReadAndWrite'
    this.returnsExpired = ttl.visibility === 'returnExpiredIfNotCleanedUp'
    this.time = time
  }

  /** Whether what was accessed last then has expired by now. */
  isExpired(lastAccess: number): boolean {
    return this.isExpiredAt(lastAccess, this.time.now)
  }

  /** The same by a time that the caller knows. Without a last access nothing expires. */
  isExpiredAt(lastAccess: number, now: number): boolean {
    return lastAccess !== -Infinity && lastAccess + this.durationMs <= now
  }
}
