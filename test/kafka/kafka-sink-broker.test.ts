import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { string } from 'millrace'
import { kafkaSink } from 'millrace/kafka'
import { checkConnection } from '../../connectors/kafka/connection.ts'
import type { KafkaSinkClient } from '../../connectors/kafka/kafka-sink-client.ts'
import { KafkaSinkCluster } from '../../connectors/kafka/kafka-sink-cluster.ts'
import { kafkaSinkOn } from '../../connectors/kafka/kafka-sink.ts'
import { SystemClock } from '../../runtime/clock.ts'
import { SinkAttempt } from '../connectors/kafka/sink-attempt.ts'
import { describeKafkaServer, TestKafka } from '../servers/kafka-for-tests.ts'
import { KafkaServer } from '../servers/kafka-server.ts'

describeKafkaServer('kafkaSink, when the broker is killed', () => {
  let server: KafkaServer
  let kafka: TestKafka
  /** The next call of this name kills the broker, before it is sent or when it is under way. */
  let kill: { readonly call: string; readonly isSent: boolean } | undefined

  beforeAll(async () => {
    server = await KafkaServer.start()
    kafka = new TestKafka(server.brokers)
  })

  afterAll(async () => {
    await kafka.close()
    await server.stop()
  })

  /** A sink whose clients kill the broker; it comes back on its own. */
  function killingSink(guarantee: 'exactly-once' | 'at-least-once', topic: string) {
    const options = { brokers: server.brokers, topic, value: string(), guarantee }
    const makeClient = (operator: string) => {
      const connection = checkConnection({ brokers: server.brokers }, 'test', 'MR_SINK_INVALID')
      const client: KafkaSinkClient = new KafkaSinkCluster(connection, operator)
      return new Proxy(client, {
        get(target, name) {
          const method = Reflect.get(target, name, target) as (...args: unknown[]) => unknown
          return async (...args: unknown[]) => {
            if (name !== kill?.call) return method.apply(target, args)
            const { isSent } = kill
            kill = undefined
            const answer = isSent ? Promise.resolve(method.apply(target, args)) : undefined
            // Whether the broker has done it is a matter of chance.
            answer?.catch(() => {})
            if (isSent) await new Promise((resolve) => setTimeout(resolve, 1))
            await server.kill()
            const back = server.restart()
            try {
              return await (answer ?? method.apply(target, args))
            } finally {
              await back
            }
          }
        },
      })
    }
    return kafkaSinkOn<string>({ makeClient, clock: new SystemClock() }, options)
  }

  /** What is visible as soon as that are `count` records: transactions show a moment after they are committed. */
  async function values(topic: string, count: number): Promise<readonly string[]> {
    for (let tries = 0; ; tries++) {
      const found = (await kafka.read(topic)).map(({ value }) => value!.toString())
      if (found.length >= count || tries === 20) return found
    }
  }

  it('writes each record once, whenever in a transaction it happens (R33)', async () => {
    const topic = await kafka.createTopic(1)
    const attempt = await SinkAttempt.start(killingSink('exactly-once', topic))
    const expected: string[] = []
    for (const call of ['produce', 'sendMarker', 'endTransaction']) {
      for (const isSent of [false, true]) {
        const records = Array.from({ length: 5 }, (_, i) => `${call}-${isSent}-${i}`)
        expected.push(...records)
        attempt.write(0, ...records)
        await attempt.publish()
        kill = { call, isSent }
        await attempt.commit()
        expect(kill).toBe(undefined)
      }
    }
    await attempt.close()
    expect(await values(topic, expected.length)).toEqual(expected)
  }, 240_000)

  it('loses nothing and keeps the order, at least once', async () => {
    const topic = await kafka.createTopic(1)
    const attempt = await SinkAttempt.start(killingSink('at-least-once', topic))
    const expected: string[] = []
    for (let round = 0; round < 4; round++) {
      if (round > 0) kill = { call: 'produce', isSent: round > 1 }
      const records = Array.from({ length: 2_000 }, (_, i) => `${round}-${i}`)
      expected.push(...records)
      attempt.write(0, ...records)
      await attempt.publish()
    }
    await attempt.close()
    const firsts = [...new Set(await values(topic, expected.length))]
    expect(firsts).toEqual(expected)
  }, 240_000)

  it.each(['exactly-once', 'at-least-once'] as const)(
    'keeps no process alive once it is closed, in the middle of trying too: %s',
    async (guarantee) => {
      const topic = await kafka.createTopic(1)
      const script = fileURLToPath(new URL('./write-and-close.ts', import.meta.url))
      const args = ['-C', '@millrace/source', script, server.brokers, topic, guarantee]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      let told = ''
      child.stdout.on('data', (data: Buffer) => (told += data.toString()))
      const code = await new Promise((resolve) => child.on('close', resolve))
      expect({ code, told }).toEqual({ code: 0, told: 'closed\n' })
      // What is exactly once becomes visible with the commit.
      expect(await values(topic, 1)).toEqual(['a'])
      expect(kafkaSink({ brokers: server.brokers, topic, value: string() }).kind).toBe('kafka')
    },
  )
})
