import { AclOperationTypes, AclResourceTypes, type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { string } from 'millrace'
import { kafkaSink, type KafkaSinkOptions } from 'millrace/kafka'
import { SinkAttempt } from '../connectors/kafka/sink-attempt.ts'
import { describeKafkaServer } from '../servers/kafka-for-tests.ts'
import { KafkaServer } from '../servers/kafka-server.ts'
import { makeTopics } from '../servers/make-topics.ts'
import { readCommitted } from '../servers/read-committed.ts'

const { TOPIC, GROUP, TRANSACTIONAL_ID } = AclResourceTypes
const { READ, WRITE, DESCRIBE } = AclOperationTypes
const LITERAL = 3
const PREFIXED = 4
const ALLOW = 3

describeKafkaServer('kafkaSink on a secure broker', () => {
  let server: KafkaServer
  let admin: Admin

  beforeAll(async () => {
    server = await KafkaServer.start({ secure: true })
    const kafka = new Kafka({ brokers: [server.listeners.plain], logLevel: logLevel.NOTHING })
    admin = kafka.admin()
    await admin.connect()
    await makeTopics(admin, { topic: 'out', numPartitions: 1 })
  })

  afterAll(async () => {
    await admin?.disconnect()
    await server?.stop()
  })

  async function allow(
    resourceType: AclResourceTypes,
    resourceName: string,
    operations: readonly AclOperationTypes[],
  ): Promise<void> {
    const acl = operations.map((operation) => ({
      resourceType,
      resourceName,
      resourcePatternType: resourceName.endsWith('-') ? PREFIXED : LITERAL,
      principal: 'User:writer',
      host: '*',
      operation,
      permissionType: ALLOW,
    }))
    await admin.createAcls({ acl })
    // The broker hears of it from the controller.
    await new Promise((resolve) => setTimeout(resolve, 500))
  }

  async function write(text: string, options: Partial<KafkaSinkOptions<string>>): Promise<void> {
    const password = server.security!.users.writer
    const sink = kafkaSink<string>({
      brokers: server.listeners.saslSsl,
      tls: { ca: server.security!.ca },
      sasl: { mechanism: 'scram-sha-512', username: 'writer', password },
      topic: 'out',
      value: string(),
      transactionalIdPrefix: 'job-out',
      retryTimeout: '5s',
      ...options,
    })
    const attempt = await SinkAttempt.start(sink, { lineage: 'aa' })
    attempt.write(0, text)
    await attempt.checkpoint()
    await attempt.close()
  }

  it('needs the rights that the page says, and says which is missing', async () => {
    const refused = { code: 'MR_KAFKA_REFUSED' }
    await expect(write('none', { guarantee: 'at-least-once' })).rejects.toMatchObject(refused)
    await allow(TOPIC, 'out', [WRITE, DESCRIBE])
    await write('a', { guarantee: 'at-least-once' })

    const markerless = {
      code: 'MR_KAFKA_TOPIC_MISSING',
      message: expect.stringContaining('--create --topic millrace-markers --partitions 2'),
    }
    await allow(TOPIC, 'millrace-markers', [READ, DESCRIBE])
    await allow(GROUP, 'job-', [READ])
    await expect(write('none', {})).rejects.toMatchObject(markerless)
    await makeTopics(admin, { topic: 'millrace-markers', numPartitions: 2 })

    await expect(write('none', {})).rejects.toMatchObject({
      code: 'MR_KAFKA_REFUSED',
      message: expect.stringContaining('take over the transactional id "job-out-0"'),
    })
    await allow(TRANSACTIONAL_ID, 'job-', [WRITE, DESCRIBE])
    await write('b', {})
    const records = await readCommitted({ brokers: server.listeners.plain, topic: 'out' })
    expect(records.map(({ value }) => String(value))).toEqual(['a', 'b'])
  })
})
