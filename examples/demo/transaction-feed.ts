import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Kafka } from 'kafkajs'
import papaparse from 'papaparse'
import { type Transaction, toTransaction, type TransactionRow } from '../fraud/transaction.ts'

const BATCH_ROWS = 1_000
const TOLD_ROWS = 12_000

/** The bundled card transactions, in their order. */
export function bundledTransactions(): readonly Transaction[] {
  const file = new URL('../data/card-transactions.csv.gz', import.meta.url)
  const { data } = papaparse.parse<TransactionRow>(gunzipSync(readFileSync(file)).toString(), {
    header: true,
    skipEmptyLines: true,
    // Card numbers have more digits than a number can hold.
    dynamicTyping: (column) => column !== 'cc_num',
  })
  return data.map(toTransaction)
}

/** Writes transactions to a topic with a bare client, keyed by card, stamped with their event time. */
export async function produceTransactions(
  client: Kafka,
  topic: string,
  transactions: readonly Transaction[],
  options: { readonly signal?: AbortSignal; readonly tell?: (line: string) => void } = {},
): Promise<void> {
  const { signal, tell } = options
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  try {
    for (let from = 0; from < transactions.length; from += BATCH_ROWS) {
      signal?.throwIfAborted()
      const batch = transactions.slice(from, from + BATCH_ROWS)
      const messages = batch.map((transaction) => ({
        key: transaction.card,
        value: JSON.stringify(transaction),
        timestamp: String(transaction.ts * 1_000),
      }))
      await producer.send({ topic, messages })
      const sent = from + batch.length
      if (sent % TOLD_ROWS === 0 || sent === transactions.length) {
        tell?.(`${sent.toLocaleString('en')} of ${transactions.length.toLocaleString('en')}`)
      }
    }
  } finally {
    await producer.disconnect()
  }
}
