import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  ResourcePatternTypes,
} from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { KafkaSinkOptions } from '../../connectors/kafka/kafka-sink-options.ts'
import { kafkaSink } from '../../connectors/kafka/kafka-sink.ts'
import { string } from '../../connectors/string-format.ts'
import { SinkAttempt } from '../connectors/kafka/sink-attempt.ts'
import { describeKafkaServer, TestKafka } from '../servers/kafka-for-tests.ts'
import { KafkaServer } from '../servers/kafka-server.ts'

type Right = readonly [resourceType: number, resourceName: string, operation: number]

const { TOPIC, GROUP, TRANSACTIONAL_ID, CLUSTER } = AclResourceTypes
const { READ, WRITE, DESCRIBE, CREATE } = AclOperationTypes
const MARKERS = 'markers'

describeKafkaServer('a sink whose user lacks a right', () => {
  let server: KafkaServer
  let kafka: TestKafka
  let topic: string

  beforeAll(async () => {
    server = await KafkaServer.start({ secure: true })
    kafka = new TestKafka(server.listeners.plain)
    topic = await kafka.createTopic(1)
  })

  afterAll(async () => {
    await kafka.close()
    await server.stop()
  })

  const all = (): Readonly<Record<string, Right>> => ({
    'write on the topic': [TOPIC, topic, WRITE],
    'write on transactional ids': [TRANSACTIONAL_ID, 'out-', WRITE],
    'read on groups': [GROUP, 'out-', READ],
    'read on the marker topic': [TOPIC, MARKERS, READ],
    'create on the marker topic': [TOPIC, MARKERS, CREATE],
  })

  async function allow(rights: readonly Right[]): Promise<void> {
    const admin = await kafka.admin()
    const any = { principal: 'User:writer', host: '*', permissionType: AclPermissionTypes.ALLOW }
    await admin.deleteAcls({
      filters: [TOPIC, GROUP, TRANSACTIONAL_ID, CLUSTER].map((resourceType) => ({
        ...any,
        resourceType,
        resourcePatternType: ResourcePatternTypes.ANY,
        operation: AclOperationTypes.ANY,
      })),
    })
    if (rights.length === 0) return
    await admin.createAcls({
      acl: rights.map(([resourceType, resourceName, operation]) => ({
        ...any,
        resourceType,
        resourceName,
        operation,
        resourcePatternType: resourceName.endsWith('-')
          ? ResourcePatternTypes.PREFIXED
          : ResourcePatternTypes.LITERAL,
      })),
    })
  }

  const sink = (more: Partial<KafkaSinkOptions<string>> = {}) =>
    kafkaSink<string>({
      brokers: server.listeners.saslPlain,
      sasl: {
        mechanism: 'scram-sha-256',
        username: 'writer',
        password: server.security!.users.writer,
      },
      topic,
      value: string(),
      markerTopic: MARKERS,
      transactionalIdPrefix: 'out',
      retryTimeout: '20s',
      ...more,
    })

  /** One record written and committed; how it failed, and how long that took. */
  async function outcome(what: ReturnType<typeof sink>) {
    const begin = performance.now()
    const took = () => Math.round(performance.now() - begin)
    try {
      const attempt = await SinkAttempt.start(what, { policy: 'keep' })
      try {
        attempt.write(0, 'a')
        await attempt.checkpoint()
      } finally {
        await attempt.close()
      }
      return { code: 'none', message: '', took: took() }
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return { code, message, took: took() }
    }
  }

  const without = (...names: readonly string[]): Right[] =>
    Object.entries(all()).flatMap(([name, right]) => (names.includes(name) ? [] : [right]))

  it.each([
    ['write on the topic', 'MR_KAFKA_REFUSED', 'find the topic "test-'],
    ['write on transactional ids', 'MR_KAFKA_REFUSED', 'transactional id "out-0"'],
    ['read on groups', 'MR_KAFKA_REFUSED', 'the group "out-0"'],
    ['read on the marker topic', 'MR_KAFKA_REFUSED', 'the topic "markers"'],
    ['create on the marker topic', 'MR_KAFKA_TOPIC_MISSING', '--create --topic not-there'],
  ] as const)('says that %s is missing', async (name, code, text) => {
    await allow([...without(name), [TOPIC, 'not-there', READ]])
    const markerTopic = name.startsWith('create') ? 'not-there' : MARKERS
    const found = await outcome(sink({ markerTopic }))
    expect(found).toMatchObject({ code, message: expect.stringContaining(text) })
    expect(found.took).toBeLessThan(10_000)
  })

  it('says that the topic may be seen and not be written, when it is written', async () => {
    await allow([...without('write on the topic'), [TOPIC, topic, DESCRIBE]])
    for (const guarantee of ['exactly-once', 'at-least-once'] as const) {
      const found = await outcome(sink({ guarantee }))
      const message = expect.stringMatching(new RegExp(`topic "${topic}".*uthoriz`))
      expect(found).toMatchObject({ code: 'MR_KAFKA_REFUSED', message })
      expect(found.took).toBeLessThan(10_000)
    }
  })

  it('writes with no more than these rights', async () => {
    await allow(Object.values(all()))
    expect(await outcome(sink())).toMatchObject({ code: 'none' })
  })

  it('says that the user, the authority or the kind of listener is wrong', async () => {
    const retryTimeout = '1s'
    const sasl = { mechanism: 'scram-sha-256', username: 'writer', password: 'guess' } as const
    const brokers = server.listeners.saslSsl
    for (const [options, code, text] of [
      [{ sasl }, 'MR_KAFKA_REFUSED', 'check sasl'],
      [{ brokers, tls: true }, 'MR_KAFKA_REFUSED', 'set tls'],
      [{ tls: true, retryTimeout }, 'MR_KAFKA_UNAVAILABLE', 'tls'],
      [{ brokers, retryTimeout }, 'MR_KAFKA_UNAVAILABLE', 'tls'],
    ] as const) {
      const found = await outcome(sink(options))
      expect(found).toMatchObject({ code, message: expect.stringContaining(text) })
      expect(found.message).not.toContain('guess')
      expect(found.took).toBeLessThan(10_000)
    }
  })
})
