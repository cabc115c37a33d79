import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  describeKafkaServer,
  describeKafkaWithJava,
  TestKafka,
} from '../servers/kafka-for-tests.ts'
import { KafkaServer } from '../servers/kafka-server.ts'
import { javaPartitions } from '../servers/read-committed.ts'

const script = fileURLToPath(new URL('./start-and-wait.ts', import.meta.url))

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until something holds, for ten seconds at most. */
async function until(holds: () => boolean): Promise<boolean> {
  for (let round = 0; round < 200 && !holds(); round++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return holds()
}

describeKafkaWithJava('the shared broker', (kafka) => {
  it('keeps what a producer sends: partition, timestamp, key, value and headers, null ones too', async () => {
    const topic = await kafka.createTopic(2)
    const producer = kafka.client.producer()
    await producer.connect()
    const messages = [
      {
        partition: 0,
        key: 'a',
        value: 'one',
        timestamp: '1700000000001',
        headers: { h: ['x', 'y'] },
      },
      { partition: 0, key: null, value: 'två', timestamp: '1700000000002' },
      { partition: 1, key: 'b', value: null, timestamp: '1700000000003' },
    ]
    await producer.send({ topic, messages })
    await producer.disconnect()
    const records = await kafka.read(topic)
    const inOrder = [...records].sort((a, b) => a.partition - b.partition || a.offset - b.offset)
    const text = (bytes: Buffer | null): string | null => bytes && bytes.toString()
    expect(
      inOrder.map(({ key, value, headers, ...rest }) => ({
        ...rest,
        key: text(key),
        value: text(value),
        headers: headers.map(([name, header]) => [name, text(header)]),
      })),
    ).toEqual([
      {
        partition: 0,
        offset: 0,
        timestamp: 1_700_000_000_001,
        key: 'a',
        value: 'one',
        headers: [
          ['h', 'x'],
          ['h', 'y'],
        ],
      },
      {
        partition: 0,
        offset: 1,
        timestamp: 1_700_000_000_002,
        key: null,
        value: 'två',
        headers: [],
      },
      {
        partition: 1,
        offset: 0,
        timestamp: 1_700_000_000_003,
        key: 'b',
        value: null,
        headers: [],
      },
    ])
  })

  it('shows the Java reader committed transactions, no aborted ones, and nothing behind an open one', async () => {
    const topic = await kafka.createTopic(1)
    const producer = kafka.client.producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
    })
    await producer.connect()
    for (const [value, end] of [
      ['kept', 'commit'],
      ['dropped', 'abort'],
      ['kept too', 'commit'],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ partition: 0, value }] })
      await transaction[end]()
    }
    const open = await producer.transaction()
    await open.send({ topic, messages: [{ partition: 0, value: 'open' }] })
    const values = (await kafka.read(topic)).map(({ value }) => value!.toString())
    await open.abort()
    await producer.disconnect()
    expect(values).toEqual(['kept', 'kept too'])
  })

  it('reads a topic without records, and says what is wrong with one that is not there', async () => {
    expect(await kafka.read(await kafka.createTopic(3))).toEqual([])
    await expect(kafka.read('no-such-topic')).rejects.toThrow(/no-such-topic/)
  })

  it('tells the partitions of the Java producer', async () => {
    // Known answers: murmur2 of "21" is -973932308, of "foobar" -790332482, of "" 275646681.
    const keys = ['21', 'foobar', ''].map((key) => Buffer.from(key))
    expect(await javaPartitions(keys, 7)).toEqual(
      [-973_932_308, -790_332_482, 275_646_681].map((hash) => (hash & 0x7fff_ffff) % 7),
    )
  })
})

describeKafkaServer('a broker of its own', () => {
  let server: KafkaServer
  let kafka: TestKafka

  beforeAll(async () => {
    server = await KafkaServer.start({ settings: { 'message.max.bytes': '20000' } })
    kafka = new TestKafka(server.brokers)
  })

  afterAll(async () => {
    await kafka.close()
    await server.stop()
  })

  it('has the settings that were asked for', async () => {
    const topic = await kafka.createTopic(1)
    const producer = kafka.client.producer({ retry: { retries: 0 } })
    await producer.connect()
    const send = (bytes: number): Promise<unknown> =>
      producer.send({ topic, messages: [{ partition: 0, value: Buffer.alloc(bytes) }] })
    await send(10_000)
    await expect(send(30_000)).rejects.toThrow(/larger than the max/)
    await producer.disconnect()
  })

  it('keeps its data and its port over SIGKILL and restart', async () => {
    const topic = await kafka.createTopic(1)
    const producer = kafka.client.producer()
    await producer.connect()
    const messages = Array.from({ length: 100 }, (_, n) => ({ partition: 0, value: `${n}` }))
    await producer.send({ topic, messages, acks: -1 })
    await producer.disconnect()
    const { pid, brokers } = server
    await server.kill()
    expect(isAlive(pid)).toBe(false)
    await server.restart()
    expect(server.brokers).toBe(brokers)
    const values = (await kafka.read(topic)).map(({ value }) => value!.toString())
    expect(values).toEqual(messages.map(({ value }) => value))
  })

  it('stands still under SIGSTOP and goes on', async () => {
    await server.kill('SIGSTOP')
    const answer = (await kafka.admin()).listTopics().then(() => 'answered')
    const pause = new Promise((resolve) => setTimeout(resolve, 500, 'silent'))
    expect(await Promise.race([answer, pause])).toBe('silent')
    await server.kill('SIGCONT')
    expect(await answer).toBe('answered')
  })
})

describeKafkaServer('nothing is left of a broker', () => {
  it('after stop(): no process, no folder', async () => {
    const server = await KafkaServer.start()
    const { pid, dir } = server
    expect([isAlive(pid), existsSync(dir)]).toEqual([true, true])
    await server.stop()
    expect([isAlive(pid), existsSync(dir)]).toEqual([false, false])
  })

  it('of which the folder is given: its data goes on, under another port', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-kept-'))
    try {
      const first = await KafkaServer.start({ dir })
      const before = new TestKafka(first.brokers)
      const topic = await before.createTopic(1)
      await before.close()
      await first.stop()
      expect(isAlive(first.pid)).toBe(false)
      const second = await KafkaServer.start({ dir })
      const after = new TestKafka(second.brokers)
      expect(await (await after.admin()).listTopics()).toEqual([topic])
      await after.close()
      await second.stop()
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('that does not come up, and its error shows the end of its log', async () => {
    const wrong = { 'log.retention.hours': 'soon' }
    await expect(KafkaServer.start({ settings: wrong })).rejects.toThrow(
      /Kafka ended with code 1:[^]*Invalid value soon/,
    )
  })

  it('that was killed, when the process that started it ends', async () => {
    const child = spawn(process.execPath, [script, 'kill'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { pid, dir } = await told(child)
    expect(await until(() => !isAlive(pid) && !existsSync(dir))).toBe(true)
  })

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
    'when the process that started it ends by %s',
    async (signal) => {
      const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
      const { pid, dir } = await told(child)
      expect([isAlive(pid), existsSync(dir)]).toEqual([true, true])
      child.kill(signal)
      expect(await until(() => !isAlive(pid) && !existsSync(dir))).toBe(true)
    },
  )
})

/** What the script says. */
async function told(child: ChildProcess): Promise<{ pid: number; dir: string }> {
  for await (const line of createInterface({ input: child.stdout! })) {
    return JSON.parse(line) as { pid: number; dir: string }
  }
  throw new Error('The script ended without a broker.')
}
