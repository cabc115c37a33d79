import { json, string } from 'millrace'
import { type KafkaTopic, kafkaTopic } from 'millrace/kafka'
import type { Alert } from './alert.ts'
import type { Transaction } from './transaction.ts'

/** Transactions, keyed by card: those of one card are in one partition, in their order. */
export function transactionTopic(name: string): KafkaTopic<Transaction, string> {
  return kafkaTopic({ name, value: json<Transaction>(), key: string() })
}

/** Alerts, keyed by card as well. */
export function alertTopic(name: string): KafkaTopic<Alert, string> {
  return kafkaTopic({ name, value: json<Alert>(), key: string() })
}
