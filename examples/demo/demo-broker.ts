import { randomBytes } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { KafkaServer } from '../../test/servers/kafka-server.ts'
import { makeTopics } from '../../test/servers/make-topics.ts'
import { CannotRun } from './demo-command.ts'

const PARTITIONS = 2

/** A broker with two topics for a demo. */
export interface DemoBroker {
  /** `host:port`, several with commas between them. */
  readonly brokers: string
  /** A bare client. */
  readonly client: Kafka
  readonly transactions: string
  readonly alerts: string
  /** Ends a broker that was started, and removes its data; on one of the user's own it deletes the topics. */
  close(): Promise<void>
}

/** Makes the topics on brokers of the user's own, or on one that it starts for that. */
export async function demoBroker(given: string | undefined): Promise<DemoBroker> {
  const server = given === undefined ? await KafkaServer.start() : undefined
  const brokers = server?.brokers ?? given!
  const client = new Kafka({
    clientId: 'millrace-demo',
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
  })
  // Topics of these names may be there, and are not ours.
  const suffix = server === undefined ? `-demo-${randomBytes(3).toString('hex')}` : ''
  const transactions = `transactions${suffix}`
  const alerts = `alerts${suffix}`
  try {
    await createTopics(client, [transactions, alerts])
  } catch (error) {
    await server?.stop()
    throw new CannotRun(
      `The brokers ${brokers} have made no topics: ${(error as Error).message}; is KAFKA_BROKERS right, and may you make topics there?`,
    )
  }
  const close = (): Promise<void> => server?.stop() ?? deleteTopics(client, [transactions, alerts])
  return { brokers, client, transactions, alerts, close }
}

async function createTopics(client: Kafka, names: readonly string[]): Promise<void> {
  const admin = client.admin()
  await admin.connect()
  try {
    // The records are stamped with their event time, which is years ago.
    const configEntries = [{ name: 'retention.ms', value: '-1' }]
    const topics = names.map((topic) => ({ topic, numPartitions: PARTITIONS, configEntries }))
    await makeTopics(admin, ...topics)
  } finally {
    await admin.disconnect()
  }
}

async function deleteTopics(client: Kafka, topics: string[]): Promise<void> {
  const admin = client.admin()
  await admin.connect()
  try {
    await admin.deleteTopics({ topics })
  } finally {
    await admin.disconnect()
  }
}
