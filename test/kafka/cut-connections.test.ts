import { afterAll, beforeAll, expect, it } from 'vitest'
import { string } from '../../connectors/string-format.ts'
import { kafkaSink } from '../../connectors/kafka/kafka-sink.ts'
import { SinkAttempt } from '../connectors/kafka/sink-attempt.ts'
import { describeKafkaServer } from '../servers/kafka-for-tests.ts'
import { API, type CutAt } from './attack/cutting-proxy.ts'
import { type ProxiedBroker, proxiedBroker } from './attack/proxied-broker.ts'

const MOMENTS: readonly CutAt[] = ['before', 'sent', 'answered']
const APIS = Object.entries(API) as readonly (readonly [name: string, api: number])[]

describeKafkaServer('a connection that is cut', () => {
  let broker: ProxiedBroker

  beforeAll(async () => {
    // The dead broker is forgotten sooner, so that its restart does not wait for that.
    broker = await proxiedBroker({ 'broker.session.timeout.ms': '1500' })
  })

  afterAll(() => broker.stop())

  const sinkTo = (topic: string) =>
    kafkaSink<string>({ brokers: broker.brokers, topic, value: string() })

  const values = async (topic: string): Promise<string[]> =>
    (await broker.kafka.read(topic)).map(({ value }) => value!.toString()).sort()

  it.each(APIS)(
    'at %s neither loses nor doubles a record, be it before the request, behind it or before the answer',
    async (_, api) => {
      const topic = await broker.kafka.createTopic(2)
      const expected: string[] = []
      const missed: string[] = []
      let from
      for (const at of MOMENTS) {
        // The first is of a start, which takes the id over; the second is of a checkpoint, where there is none at the start.
        for (const nth of [1, 2]) {
          broker.proxy.arm({ api, nth, at })
          const attempt: SinkAttempt<string> = await SinkAttempt.start(
            sinkTo(topic),
            from === undefined ? {} : { from },
          )
          for (let i = 0; i < 3; i++) {
            const value = `${at}-${nth}-${i}`
            attempt.write(0, value)
            expected.push(value)
            from = await attempt.checkpoint()
          }
          await attempt.close()
          if (!broker.proxy.hasHit) missed.push(`${at}-${nth}`)
        }
      }
      expect(await values(topic)).toEqual(expected.sort())
      expect(missed).toEqual([])
    },
  )

  it('neither loses nor doubles a record when the broker is killed in a commit, with the request on its way or the answer', async () => {
    const topic = await broker.kafka.createTopic(2)
    const attempt = await SinkAttempt.start(sinkTo(topic))
    for (const at of ['sent', 'answered'] as const) {
      let restarted: Promise<void> | undefined
      const onCut = () => (restarted = broker.server.restart())
      broker.proxy.arm({ api: API.endTxn, nth: 1, at, onCut })
      attempt.write(0, at)
      await attempt.checkpoint()
      if (restarted === undefined) throw new Error('It was not killed.')
      await restarted
    }
    attempt.write(0, 'behind')
    await attempt.checkpoint()
    await attempt.close()
    expect(await values(topic)).toEqual(['answered', 'behind', 'sent'])
  })
})
