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
    broker = await proxiedBroker()
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
})
