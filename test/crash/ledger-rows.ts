import type { PlainTransaction } from '../fraud/expected-alerts.ts'

/** One row of the ledger job. */
export interface LedgerRow {
  readonly seq: number
  readonly card: string
  /** How many transactions of the card there have been. */
  readonly n: number
  /** The transaction noted last on the same page; -1 without one, -2 where the note is not what was written. */
  readonly previous: number
  /** Of seven transactions in a row, with the seventh. */
  readonly sum: number
}

/** Pages of each card on which notes are kept. */
export const PAGES = 32

export function pageOf(seq: number): number {
  return (seq * 7) % PAGES
}

/** A long text that follows from the number alone. */
export function noteOf(seq: number, length: number): string {
  const word = `${seq} `
  return word.repeat(Math.ceil(length / word.length)).slice(0, length)
}

export function isNoteOf(note: string, seq: number, length: number): boolean {
  return note === noteOf(seq, length)
}

/** What the ledger job must put out, from the definition of a row: plain arrays, nothing of the engine; sorted lines. */
export function expectedLedger(transactions: readonly PlainTransaction[]): string[] {
  const byCard = new Map<string, PlainTransaction[]>()
  for (const one of transactions) {
    const list = byCard.get(one.card)
    if (list === undefined) byCard.set(one.card, [one])
    else list.push(one)
  }
  const rows = [...byCard].flatMap(([card, list]) =>
    list.map(({ seq }, index): LedgerRow => {
      const n = index + 1
      const previous = notedBefore(list, index)
      const sevenFull = n % 7 === 0
      const sum = sevenFull ? list.slice(index - 6, n).reduce((a, one) => a + one.seq, 0) : 0
      return { seq, card, n, previous, sum }
    }),
  )
  return rows.map((row) => JSON.stringify(row)).sort()
}

/** The last transaction on the same page since all pages were cleared, if it left its note there. */
function notedBefore(list: readonly PlainTransaction[], index: number): number {
  const page = pageOf(list[index]!.seq)
  const cleared = index - (index % (2 * PAGES))
  for (let i = index - 1; i >= cleared; i--) {
    const { seq, cents } = list[i]!
    if (pageOf(seq) === page) return cents % 5 === 0 ? -1 : seq
  }
  return -1
}
