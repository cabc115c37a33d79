import { randomUUID } from 'node:crypto'
import type { Consumer, Kafka } from 'kafkajs'
import { missingForMaven } from '../../test/servers/maven-jars.ts'
import { readCommitted } from '../../test/servers/read-committed.ts'

/** The client that reads topics here: Java's shares no code with what wrote them, kafkajs is there without Java. */
export const TOPIC_READER =
  missingForMaven() === undefined ? 'the Java client' : 'kafkajs, as there is no Java,'

/** The values of a topic that a `read_committed` consumer sees, as text. No transaction may be open. */
export async function readTopicRows(
  client: Kafka,
  brokers: string,
  topic: string,
): Promise<readonly string[]> {
  if (missingForMaven() !== undefined) return readWithKafkaJs(client, topic)
  const records = await readCommitted({ brokers, topic })
  return records.map(({ value }) => String(value))
}

/** Not a judge of transactions that were aborted: it may let records of those through. */
export async function readWithKafkaJs(client: Kafka, topic: string): Promise<readonly string[]> {
  const groupId = `millrace-demo-${randomUUID()}`
  const [admin, consumer] = [client.admin(), client.consumer({ groupId })]
  await admin.connect()
  try {
    const offsets = await admin.fetchTopicOffsets(topic)
    const filled = offsets.filter(({ high, low }) => high !== low)
    if (filled.length === 0) return []
    await consumer.connect()
    const ends = new Map(filled.map(({ partition, high }) => [partition, Number(high)]))
    const rows = await readTo(ends, consumer, topic)
    await consumer.disconnect()
    await admin.deleteGroups([groupId])
    return rows
  } finally {
    await Promise.all([consumer.disconnect(), admin.disconnect()])
  }
}

/** Reads each partition up to the offset behind its last record. */
async function readTo(
  ends: Map<number, number>,
  consumer: Consumer,
  topic: string,
): Promise<readonly string[]> {
  const rows: string[] = []
  const isRead = new Promise<void>((resolve) => {
    // Told of the ends of transactions as well, which have offsets too and are no messages.
    consumer.on('consumer.end_batch_process', ({ payload }) => {
      if (Number(payload.lastOffset) + 1 >= ends.get(payload.partition)!) {
        ends.delete(payload.partition)
      }
      if (ends.size === 0) resolve()
    })
  })
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => void rows.push(String(message.value)),
  })
  await isRead
  return rows
}
