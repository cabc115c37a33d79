import { beforeEach, describe, expect, it } from 'vitest'
import { string } from 'millrace'
import { kafkaSourceOn, type KafkaSourceOptions } from '../../../connectors/kafka/kafka-source.ts'
import type { MessageFormat } from '../../../connectors/message-format.ts'
import { SystemClock } from '../../../runtime/clock.ts'
import { SourceRun, type SourceRunOptions } from '../../contract/source-run.ts'
import { FakeSourceCluster } from './fake-source-cluster.ts'

const REAL = { realClock: new SystemClock() }

let cluster: FakeSourceCluster

beforeEach(() => {
  cluster = new FakeSourceCluster()
})

function start(
  options: Partial<KafkaSourceOptions<string>> = {},
  run: SourceRunOptions = REAL,
): Promise<SourceRun<string>> {
  const source = kafkaSourceOn<string>(() => cluster, {
    brokers: 'fake:1',
    topics: 't',
    value: string(),
    ...options,
  })
  return new SourceRun(source, run).start()
}

/** Lets fetches come and go. */
async function settle(ms = 30): Promise<void> {
  await new Promise<void>((resolve) => void new SystemClock().schedule(ms, resolve))
}

const texts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => String(from + i))

describe('a Kafka reader', () => {
  it('emits nothing of a partition that alignment holds back, and all of it later', async () => {
    await cluster.append('t', 0, 'a', 'b')
    await cluster.append('t', 1, 'c', 'd')
    const run = await start()
    const [reader] = run.readers
    reader!.pauseSplits!(new Set(['t[0]', 't[1]']))
    await settle()
    expect([run.poll(), run.values]).toEqual(['wait', []])
    reader!.pauseSplits!(new Set(['t[0]']))
    await run.read(2)
    await settle()
    expect([run.poll(), run.values]).toEqual(['wait', ['c', 'd']])
    reader!.pauseSplits!(new Set())
    await run.read(4)
    expect(run.values).toEqual(['c', 'd', 'a', 'b'])
    await run.close()
  })

  it('fetches no more than it may hold while nothing is taken (R7)', async () => {
    await cluster.append('t', 0, ...Array.from({ length: 200 }, () => 'x'.repeat(100)))
    const run = await start({ fetchMaxPartitionBytes: 1_000 })
    await settle(100)
    const held = cluster.fetchedBytes.get('t/0')!
    // One fetch may begin when there is room for a byte.
    expect(held).toBeGreaterThan(500)
    expect(held).toBeLessThan(2_000)
    expect(await run.read(200)).toHaveLength(200)
    await run.close()
  })

  it('follows a partition to another leader', async () => {
    await cluster.append('t', 0, ...texts(0, 5))
    const run = await start()
    await run.read(5)
    cluster.leaders.set('t/0', '2')
    await cluster.append('t', 0, ...texts(5, 8))
    await run.read(8)
    expect(run.values).toEqual(texts(0, 8))
    await run.close()
  })

  it('waits for brokers that are away, for as long as it is told', async () => {
    await cluster.append('t', 0, ...texts(0, 3))
    const run = await start({ retryTimeout: '2s' })
    await run.read(3)
    cluster.failure = Object.assign(new Error('gone'), { retriable: true })
    await settle(500)
    cluster.failure = undefined
    await cluster.append('t', 0, '3')
    await run.read(4)
    expect(run.values).toEqual(texts(0, 4))
    cluster.failure = Object.assign(new Error('gone for good'), { retriable: true })
    await expect(run.read()).rejects.toMatchObject({
      code: 'MR_KAFKA_UNAVAILABLE',
      message: expect.stringMatching(/t\[0\].*fake:1.*gone for good/),
    })
    const { fetches } = cluster
    await settle(200)
    // It has given up.
    expect(cluster.fetches).toBe(fetches)
    await run.close()
    expect(cluster.isClosed).toBe(true)
  })

  it('fails at once where trying again would not help', async () => {
    await cluster.append('t', 0, 'a')
    const run = await start()
    await run.read(1)
    cluster.failure = Object.assign(new Error('no'), { type: 'TOPIC_AUTHORIZATION_FAILED' })
    await expect(run.read()).rejects.toMatchObject({ code: 'MR_KAFKA_REFUSED' })
    await run.close()
  })

  it('tells by how much it is behind, down to zero', async () => {
    await cluster.append('t', 0, ...texts(0, 5))
    await cluster.append('t', 1, ...texts(0, 2))
    const run = await start()
    await settle()
    expect(run.counters.get('lag')).toBe(7)
    await run.read(7)
    await settle()
    run.poll()
    await settle()
    expect(run.counters.get('lag')).toBe(0)
    await run.close()
  })

  it('waits for what a format has to fetch first, in order, with a position that is still before it', async () => {
    const waiting = new Map<string, () => void>()
    const ready = new Set<string>()
    const slow: MessageFormat<string> = {
      messageKind: 'slow',
      createMessageReader: () => ({
        prepare: (bytes) => {
          const text = bytes.toString()
          if (ready.has(text)) return undefined
          return new Promise<void>((resolve) => {
            waiting.set(text, () => {
              ready.add(text)
              resolve()
            })
          })
        },
        read: (bytes) => bytes.toString(),
      }),
      createMessageWriter: () => {
        throw new Error('not written')
      },
    }
    await cluster.append('t', 0, 'a', 'b')
    const run = await start({ value: slow })
    await settle()
    run.poll()
    expect([...waiting.keys()]).toEqual(['a'])
    expect(run.snapshot(1).readers).toEqual([[expect.objectContaining({ offset: 0 })]])
    expect([run.poll(), run.values]).toEqual(['wait', []])
    waiting.get('a')!()
    await run.read(1)
    run.poll()
    expect([run.values, [...waiting.keys()]]).toEqual([['a'], ['a', 'b']])
    waiting.get('b')!()
    await run.read(2)
    expect(run.snapshot(2).readers).toEqual([[expect.objectContaining({ offset: 2 })]])
    await run.close()
  })
})
