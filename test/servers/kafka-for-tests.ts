import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, describe, inject } from 'vitest'
import { makeTopics } from './make-topics.ts'
import { type JavaRecord, readCommitted } from './read-committed.ts'

let topics = 0

// When Vitest is killed, a test that hangs would keep this process, and with it its broker.
process.once('disconnect', () => process.exit(1))

/** What tests in `test/kafka` can use; `skip` is true when there is no broker. */
export interface KafkaForTests {
  readonly skip: boolean
  /** `host:port` of the broker that all files share; an empty text when there is none. */
  readonly brokers: string
  /** Why there is no Java, so no broker of one's own and no reader; undefined when there is. */
  readonly missing: string | undefined
}

/** The broker of this run of Vitest. Only files of the project `kafka` have one. */
export function kafkaForTests(): KafkaForTests {
  const provided = inject('kafka')
  if (provided === undefined) throw new Error('Tests with Kafka belong into test/kafka.')
  const { brokers = '', missing } = provided
  return { skip: brokers === '', brokers, missing }
}

/** A suite with the shared broker, skipped where there is none. */
export function describeKafka(name: string, body: (kafka: TestKafka) => void): void {
  const { skip, brokers } = kafkaForTests()
  describe.skipIf(skip)(name, () => within(brokers, body))
}

/** The same for suites that read with the Java client: skipped where there is no Java, too. */
export function describeKafkaWithJava(name: string, body: (kafka: TestKafka) => void): void {
  const { skip, brokers, missing } = kafkaForTests()
  describe.skipIf(skip || missing !== undefined)(name, () => within(brokers, body))
}

/** A suite with brokers of its own, which it starts with `KafkaServer`; skipped where there is no Java. */
export function describeKafkaServer(name: string, body: () => void): void {
  describe.skipIf(kafkaForTests().missing !== undefined)(name, body)
}

function within(brokers: string, body: (kafka: TestKafka) => void): void {
  const kafka = new TestKafka(brokers)
  afterAll(() => kafka.close())
  body(kafka)
}

/** A broker with what tests do to it all the time. */
export class TestKafka {
  readonly brokers: string
  /** A bare client. */
  readonly client: Kafka
  #admin: Promise<Admin> | undefined

  constructor(brokers: string) {
    this.brokers = brokers
    this.client = new Kafka({
      clientId: 'millrace-test',
      brokers: brokers.split(','),
      logLevel: logLevel.NOTHING,
    })
  }

  /** The one admin of this object, connected. */
  admin(): Promise<Admin> {
    this.#admin ??= connected(this.client.admin())
    return this.#admin
  }

  /** Makes a topic whose name no other test has, and resolves with its name when it can be written. */
  async createTopic(
    partitions: number,
    config: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const topic = `test-${process.pid}-${Date.now().toString(36)}-${++topics}`
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await makeTopics(await this.admin(), { topic, numPartitions: partitions, configEntries })
    return topic
  }

  /** All committed records of a topic, read by the Java client. */
  read(topic: string): Promise<readonly JavaRecord[]> {
    return readCommitted({ brokers: this.brokers, topic })
  }

  async close(): Promise<void> {
    await (await this.#admin)?.disconnect()
  }
}

async function connected(admin: Admin): Promise<Admin> {
  await admin.connect()
  return admin
}
