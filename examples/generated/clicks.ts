import { chance, START } from './chance.ts'

/** Somebody has looked at a page. */
export interface Click {
  readonly id: number
  readonly user: string
  readonly page: string
  readonly country: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Milliseconds until the page was there. */
  readonly took: number
}

const PAGES = ['/', '/shop', '/shop/pens', '/shop/paper', '/cart', '/pay', '/help'] as const
const COUNTRIES = ['AT', 'CH', 'DE', 'FR'] as const

/** 20 a second, up to three seconds late. */
export function clickOf(index: number): Click {
  const pick = <T>(values: readonly T[], which: number): T =>
    values[Math.floor(values.length * chance(index, which) ** 1.5)]!
  return {
    id: index,
    user: `user-${Math.floor(500 * chance(index, 1))}`,
    page: pick(PAGES, 2),
    country: pick(COUNTRIES, 3),
    at: START + index * 50 - Math.floor(3_000 * chance(index, 4)),
    took: 20 + Math.floor(400 * chance(index, 5) ** 3),
  }
}
