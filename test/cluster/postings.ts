import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Balance, Posting } from './jobs/account-faults.ts'

/** Postings over 17 accounts; the last one has an account of its own. */
export function postings(count: number): Posting[] {
  return Array.from({ length: count }, (_, id) => ({
    id,
    account: id === count - 1 ? 'last' : `account ${id % 17}`,
    cents: (id * 37) % 1_000,
  }))
}

/** The input file of the accounts job. */
export function csvOf(rows: readonly Posting[]): string {
  const lines = rows.map(({ id, account, cents }) => `${id},${account},${cents}\n`)
  return `id,account,cents\n${lines.join('')}`
}

/** What the accounts job must put out for them, in order of their ids. */
export function balancesOf(rows: readonly Posting[]): Balance[] {
  const sums = new Map<string, number>()
  return rows.map((posting) => {
    const balance = (sums.get(posting.account) ?? 0) + posting.cents
    sums.set(posting.account, balance)
    return { ...posting, balance }
  })
}

/** The rows of finished files, in order of their ids. */
export async function readRows<T extends { readonly id: number }>(out: string): Promise<T[]> {
  const names = (await readdir(out)).filter((name) => !name.startsWith('.'))
  const texts = await Promise.all(names.map((name) => readFile(join(out, name), 'utf8')))
  const lines = texts.flatMap((text) => text.split('\n').filter((line) => line !== ''))
  return lines.map((line) => JSON.parse(line) as T).sort((a, b) => a.id - b.id)
}
