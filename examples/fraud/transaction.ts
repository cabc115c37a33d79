/** A card transaction, in the units that the rules use. */
export interface Transaction {
  readonly seq: number
  /** Event time in epoch seconds. */
  readonly ts: number
  readonly card: string
  readonly cents: number
  /** Where the merchant is, in degrees. */
  readonly lat: number
  readonly long: number
}

/** The columns of the card file that the rules need. */
export interface TransactionRow {
  readonly seq: number
  readonly ts: number
  readonly cc_num: string
  readonly amt: number
  readonly merch_lat: number
  readonly merch_long: number
}

/** Events may be this much out of order; state is kept that much longer than a rule looks back. */
export const MAX_DISORDER_SECONDS = 5

export function toTransaction(row: TransactionRow): Transaction {
  return {
    seq: row.seq,
    ts: row.ts,
    card: row.cc_num,
    cents: Math.round(row.amt * 100),
    lat: row.merch_lat,
    long: row.merch_long,
  }
}
