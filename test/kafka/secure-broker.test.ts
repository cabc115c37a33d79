import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  type KafkaConfig,
  logLevel,
  ResourcePatternTypes,
  type SASLOptions,
} from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeKafkaServer, TestKafka } from '../servers/kafka-for-tests.ts'
import { KafkaServer } from '../servers/kafka-server.ts'
import { readCommitted } from '../servers/read-committed.ts'

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

describeKafkaServer('a secure broker', () => {
  let server: KafkaServer
  let kafka: TestKafka
  let ca: string

  beforeAll(async () => {
    server = await KafkaServer.start({ secure: true })
    kafka = new TestKafka(server.listeners.plain)
    ca = server.security!.ca
  })

  afterAll(async () => {
    await kafka.close()
    await server.stop()
  })

  /** The names of all topics, asked by a client of that kind. */
  async function topicsSeenBy(config: KafkaConfig): Promise<string[]> {
    const retry = { retries: 0, maxRetryTime: 1_000 }
    const admin = new Kafka({ ...config, retry, logLevel: logLevel.NOTHING }).admin()
    try {
      await admin.connect()
      return await admin.listTopics()
    } finally {
      await admin.disconnect()
    }
  }

  function sasl(
    mechanism: (typeof MECHANISMS)[number],
    username: string,
    password: string,
  ): SASLOptions {
    return { mechanism, username, password } as SASLOptions
  }

  it('takes TLS from who trusts its certificate, and nobody else', async () => {
    const topic = await kafka.createTopic(1)
    const brokers = [server.listeners.ssl]
    expect(await topicsSeenBy({ brokers, ssl: { ca } })).toContain(topic)
    const withKey = { ca, ...server.security!.client }
    expect(await topicsSeenBy({ brokers, ssl: withKey })).toContain(topic)
    await expect(topicsSeenBy({ brokers, ssl: true })).rejects.toThrow(/self-signed/)
    await expect(topicsSeenBy({ brokers })).rejects.toThrow()
  })

  it.each(MECHANISMS)(
    'takes users by %s, with TLS and without, by their password',
    async (mechanism) => {
      const topic = await kafka.createTopic(1)
      const admin = sasl(mechanism, 'admin', server.security!.users.admin)
      const open = { brokers: [server.listeners.saslPlain] }
      const hidden = { brokers: [server.listeners.saslSsl], ssl: { ca } }
      expect(await topicsSeenBy({ ...open, sasl: admin })).toContain(topic)
      expect(await topicsSeenBy({ ...hidden, sasl: admin })).toContain(topic)
      const wrong = sasl(mechanism, 'admin', 'guess')
      await expect(topicsSeenBy({ ...open, sasl: wrong })).rejects.toThrow(/authentication failed/i)
      await expect(topicsSeenBy(open)).rejects.toThrow()
    },
  )

  it('lets a user read what an ACL allows and nothing else', async () => {
    const [allowed, forbidden] = [await kafka.createTopic(1), await kafka.createTopic(1)]
    const producer = kafka.client.producer()
    await producer.connect()
    const messages = [{ partition: 0, value: 'hello' }]
    for (const topic of [allowed, forbidden]) await producer.send({ topic, messages })
    await producer.disconnect()
    const rule = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: allowed,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: 'User:reader',
      host: '*',
      operation: AclOperationTypes.READ,
      permissionType: AclPermissionTypes.ALLOW,
    }
    await (await kafka.admin()).createAcls({ acl: [rule] })
    const module = 'org.apache.kafka.common.security.scram.ScramLoginModule'
    const password = server.security!.users.reader
    const reader = {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': `${module} required username="reader" password="${password}";`,
    }
    const read = (topic: string): Promise<readonly unknown[]> =>
      readCommitted({ brokers: server.listeners.saslPlain, topic, properties: reader })
    expect(await read(allowed)).toHaveLength(1)
    await expect(read(forbidden)).rejects.toThrow(/TopicAuthorizationException/)
  })
})
