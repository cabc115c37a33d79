import { csv, type CsvRecord } from 'millrace'

/** A card transaction, as rules may look at it. */
export interface Payment {
  /** Event time in ms since the epoch. */
  readonly at: number
  readonly card: string
  readonly merchant: string
  readonly category: string
  readonly profile: string
  readonly cents: number
  /** Of the city of the card holder. */
  readonly population: number
}

/** The fields that a rule may group by, and those that it may add up. */
export const KEY_FIELDS = ['card', 'merchant', 'category', 'profile'] as const
export const NUMBER_FIELDS = ['cents', 'population'] as const

const columns = {
  ts: 'number',
  // Up to 19 digits: more than a number can hold exactly.
  cc_num: 'string',
  amt: 'number',
  category: 'string',
  merchant: 'string',
  city_pop: 'number',
  profile: 'string',
} as const

export const paymentRows = csv({ columns })

export const timeOf = (row: { readonly ts: number }): number => row.ts * 1_000

export function toPayment(row: CsvRecord<typeof columns>): Payment {
  const { cc_num: card, amt, city_pop: population, merchant, category, profile } = row
  const cents = Math.round(amt * 100)
  return { at: timeOf(row), card, merchant, category, profile, cents, population }
}
