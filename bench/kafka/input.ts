import type { Kafka } from 'kafkajs'

export const PARTITIONS = 2
const KEYS = 10_000
const VALUE_BYTES = 200

/** A value of the input. */
export interface Payment {
  readonly n: number
  readonly amount: number
  readonly pad: string
}

/** Fills a topic with records of about 200 bytes, keys spread over its two partitions. */
export async function fill(kafka: Kafka, topic: string, records: number): Promise<void> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  const pad = 'x'.repeat(VALUE_BYTES - 40)
  for (let from = 0; from < records; from += 4_000) {
    const messages = []
    for (let n = from; n < Math.min(records, from + 4_000); n++) {
      const value = JSON.stringify({ n, amount: n % 100, pad }).padEnd(VALUE_BYTES)
      messages.push({ key: `key-${(n * 7_919) % KEYS}`, value, partition: n % PARTITIONS })
    }
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}
