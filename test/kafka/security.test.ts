import { afterAll, beforeAll, expect, it } from 'vitest'
import { json } from 'millrace'
import { kafkaSource, type KafkaConnection } from 'millrace/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { SystemClock } from '../../runtime/clock.ts'
import { SourceRun } from '../contract/source-run.ts'
import { describeKafkaServer } from '../servers/kafka-for-tests.ts'
import { KafkaServer } from '../servers/kafka-server.ts'
import { makeTopics } from '../servers/make-topics.ts'

const TOPIC = 'secrets'

describeKafkaServer('kafkaSource on a secure broker', () => {
  let server: KafkaServer
  beforeAll(async () => {
    server = await KafkaServer.start({ secure: true })
    const kafka = new Kafka({ brokers: [server.listeners.plain], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await makeTopics(admin, { topic: TOPIC, numPartitions: 1 })
    await admin.createAcls({
      acl: [3, 8].map((operation) => ({
        resourceType: 2,
        resourceName: TOPIC,
        resourcePatternType: 3,
        principal: 'User:reader',
        host: '*',
        operation,
        permissionType: 3,
      })),
    })
    await admin.disconnect()
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: TOPIC, messages: [{ value: '{"n":1}' }] })
    await producer.disconnect()
  })
  afterAll(() => server?.stop())

  async function read(connection: KafkaConnection): Promise<readonly unknown[]> {
    const source = kafkaSource({
      retryTimeout: '2s',
      ...connection,
      topics: TOPIC,
      value: json(),
      end: 'latest',
    })
    const run = new SourceRun(source, { realClock: new SystemClock() })
    try {
      await run.start()
      return await run.read()
    } finally {
      await run.close()
    }
  }
  const sasl = (
    mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512',
    username: 'admin' | 'reader' | 'writer' = 'reader',
  ) => ({ mechanism, username, password: server.security!.users[username] })
  const tls = () => ({ ca: server.security!.ca })

  it('reads over TLS', async () => {
    expect(await read({ brokers: server.listeners.ssl, tls: tls() })).toEqual([{ n: 1 }])
  })

  it.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'reads as a user by SASL, %s',
    async (mechanism) => {
      const brokers = server.listeners.saslPlain
      expect(await read({ brokers, sasl: sasl(mechanism) })).toEqual([{ n: 1 }])
    },
  )

  it('reads by SASL over TLS', async () => {
    const brokers = server.listeners.saslSsl
    expect(await read({ brokers, tls: tls(), sasl: sasl('scram-sha-512') })).toEqual([{ n: 1 }])
  })

  it('says that a password is wrong, without saying it', async () => {
    const brokers = server.listeners.saslPlain
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const wrong = { ...sasl(mechanism), password: 'not-the-password' }
      const failure = read({ brokers, sasl: wrong })
      await expect(failure).rejects.toMatchObject({ code: 'MR_KAFKA_REFUSED' })
      await expect(failure).rejects.not.toThrow(/not-the-password/)
    }
  })

  it('says that a user may not read the topic', async () => {
    const brokers = server.listeners.saslPlain
    await expect(read({ brokers, sasl: sasl('plain', 'writer') })).rejects.toMatchObject({
      code: 'MR_KAFKA_REFUSED',
    })
  })

  it('says that a certificate is not trusted, or that a listener speaks another language', async () => {
    const { ssl, saslPlain, plain } = server.listeners
    await expect(read({ brokers: ssl, tls: true })).rejects.toMatchObject({
      code: 'MR_KAFKA_REFUSED',
    })
    await expect(read({ brokers: plain, tls: tls() })).rejects.toMatchObject({
      code: expect.stringMatching(/MR_KAFKA_(REFUSED|UNAVAILABLE)/),
    })
    // It closes the connection without a word.
    await expect(read({ brokers: ssl })).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE' })
    await expect(read({ brokers: saslPlain })).rejects.toMatchObject({
      code: 'MR_KAFKA_UNAVAILABLE',
    })
  })
})
