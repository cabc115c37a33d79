import { beforeEach, describe, expect, it } from 'vitest'
import { kafkaSinkOn } from '../../../connectors/kafka/kafka-sink.ts'
import type { KafkaSinkOptions } from '../../../connectors/kafka/kafka-sink-options.ts'
import { kafkaTopic } from '../../../connectors/kafka/kafka-topic.ts'
import { json } from '../../../connectors/json-format.ts'
import { string } from '../../../connectors/string-format.ts'
import { kafkaSink } from '../../../connectors/kafka/kafka-sink.ts'
import { type Call, FakeKafka } from './fake-kafka.ts'
import { HastyClock } from './hasty-clock.ts'
import { type AttemptOptions, SinkAttempt } from './sink-attempt.ts'

const OPTIONS = { brokers: 'localhost:1', topic: 'out', value: string() } as const
const broken = () => Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' })

let kafka: FakeKafka
let clock: HastyClock
/** Runs before each call of a client. */
let before: (call: Call) => void | Promise<void>
let after: (call: Call) => void

beforeEach(() => {
  kafka = new FakeKafka()
  clock = new HastyClock()
  before = () => {}
  after = () => {}
})

function sinkOf(options: Partial<KafkaSinkOptions<string>> = {}) {
  const makeClient = () =>
    kafka.client(async (call, run) => {
      await before(call)
      const answer = run()
      after(call)
      return answer
    })
  return kafkaSinkOn<string>({ makeClient, clock }, { ...OPTIONS, ...options })
}

function start(options: AttemptOptions & Partial<KafkaSinkOptions<string>> = {}) {
  const { from, parallelism, forks, lineage, policy, ...rest } = options
  const given = { from, parallelism, forks, lineage, policy }
  const attempt = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  )
  return SinkAttempt.start(sinkOf(rest), { clock, ...attempt })
}

describe('kafkaSink, exactly once', () => {
  it('shows nothing before the checkpoint is complete (R26, R33)', async () => {
    const attempt = await start()
    attempt.write(0, 'a', 'b')
    await attempt.publish()
    attempt.write(0, 'c')
    expect(kafka.committed).toEqual([])
    await attempt.commit()
    expect(kafka.committed).toEqual(['a', 'b'])
    await attempt.close()
  })

  it('names its transactional ids after topic and uid, and keeps them over restarts', async () => {
    const first = await start({ parallelism: 2, lineage: 'aa' })
    const from = await first.checkpoint()
    await first.close()
    const second = await start({ parallelism: 2, from })
    await second.close()
    expect(kafka.usedIds).toEqual(['millrace-out-sink-0', 'millrace-out-sink-1'])
  })

  it('shuts out at its start whoever uses an id of the checkpoint, also of a subtask that is no more (R33)', async () => {
    const zombie = await start({ parallelism: 3, lineage: 'aa' })
    const from = await zombie.checkpoint()
    zombie.write(2, 'late')
    const heir = await start({ parallelism: 1, from })
    await zombie.publish()
    await expect(zombie.commit()).rejects.toMatchObject({
      code: 'MR_KAFKA_FENCED',
      message: expect.stringContaining('"millrace-out-sink-2"'),
      fields: { prefix: 'millrace-out-sink' },
    })
    expect(kafka.committed).toEqual([])
    await heir.close()
  })

  it('shuts out ids that have a marker, though the checkpoint does not name them', async () => {
    const small = await start({ parallelism: 1, lineage: 'aa' })
    const from = await small.checkpoint()
    await small.close()
    // A copy of the state directory, which has grown to two subtasks.
    const copy = await start({ parallelism: 2, from })
    copy.write(1, 'late')
    await copy.publish()
    await start({ parallelism: 1, from })
    await expect(copy.commit()).rejects.toMatchObject({ code: 'MR_KAFKA_FENCED' })
    expect(kafka.committed).toEqual([])
  })

  it('is not restarted once it is shut out: each would take over from the other', async () => {
    const attempt = await start({ lineage: 'aa' })
    attempt.write(0, 'a')
    const from = await attempt.publish()
    let inits = 0
    before = (call) => void (inits += call === 'initProducer' ? 1 : 0)
    const heir = await start({ from })
    inits = 0
    const error = await attempt.commit().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'MR_KAFKA_FENCED', name: 'StreamError' })
    expect(inits).toBe(0)
    expect(kafka.committed).toEqual(['a'])
    await heir.close()
  })

  it('stops where a copy of the state directory has gone on from its checkpoint after its start began (R2)', async () => {
    const first = await start({ lineage: 'aa' })
    first.write(0, 'a')
    const from = await first.checkpoint()
    await first.close()
    // The copy comes and goes when the other has looked at the markers already.
    let inits = 0
    let copyIsOver: Promise<void> | undefined
    before = async (call) => {
      if (call !== 'initProducer' || inits++ !== 1) return
      copyIsOver = (async () => {
        const copy = await start({ from })
        copy.write(0, 'b')
        await copy.checkpoint()
        await copy.close()
      })()
      await copyIsOver
    }
    await expect(start({ from })).rejects.toMatchObject({ code: 'MR_KAFKA_MARKER_LOST' })
    expect(kafka.committed).toEqual(['a', 'b'])
  })

  it('asks where the marker is gone and something is pending, and does what it is told', async () => {
    const first = await start({ lineage: 'aa' })
    first.write(0, 'a')
    await first.checkpoint()
    first.write(0, 'b')
    const from = await first.publish()
    await first.close()
    kafka.forgetMarkers()
    await expect(start({ from })).rejects.toMatchObject({
      code: 'MR_KAFKA_MARKER_LOST',
      fields: { transactionalId: 'millrace-out-sink-0', marker: 'missing' },
    })
    expect(kafka.committed).toEqual(['a'])
    const skipping = await start({ from, whenMarkerLost: 'skip' })
    expect(skipping.logs.join()).toContain('whenMarkerLost')
    expect(kafka.committed).toEqual(['a'])
    await skipping.close()
    kafka.forgetMarkers()
    const replaying = await start({ from, whenMarkerLost: 'replay' })
    expect(kafka.committed).toEqual(['a', 'b'])
    replaying.write(0, 'c')
    await replaying.checkpoint()
    expect(kafka.committed).toEqual(['a', 'b', 'c'])
    await replaying.close()
  })

  it('does not ask where the marker is gone and nothing is pending', async () => {
    const first = await start()
    const from = await first.checkpoint()
    await first.close()
    kafka.forgetMarkers()
    const second = await start({ from })
    second.write(0, 'a')
    await second.checkpoint()
    expect(kafka.committed).toEqual(['a'])
  })

  it('writes the marker again while nothing is written, before brokers forget it', async () => {
    const attempt = await start()
    let markers = 0
    before = (call) => void (markers += call === 'sendMarker' ? 1 : 0)
    await attempt.checkpoint()
    clock.advance(5 * 3_600_000)
    await attempt.checkpoint()
    expect(markers).toBe(0)
    clock.advance(2 * 3_600_000)
    await attempt.checkpoint()
    expect(markers).toBe(1)
  })

  it('refuses output of the topic that it does not continue, unless it may stay (R2)', async () => {
    const prefix = { transactionalIdPrefix: 'shared' }
    const first = await start({ ...prefix, lineage: 'aa' })
    first.write(0, 'a')
    const from = await first.checkpoint()
    first.write(0, 'b')
    await first.checkpoint()
    await first.close()
    const refused = { code: 'MR_OUTPUT_CONFLICT', message: expect.stringContaining('shared-0') }
    // A fresh start of this job or of another one, an older checkpoint, another lineage from an older checkpoint.
    await expect(start({ ...prefix, lineage: 'bb' })).rejects.toMatchObject(refused)
    await expect(start({ ...prefix, from })).rejects.toMatchObject(refused)
    await expect(start({ ...prefix, from, forks: true })).rejects.toMatchObject(refused)
    await expect(start({ ...prefix, from, policy: 'replace' })).rejects.toMatchObject({
      message: expect.stringContaining('--output replace cannot'),
    })
    const kept = await start({ ...prefix, from, forks: true, policy: 'keep' })
    expect(kept.logs.join()).toContain('they stay')
    kept.write(0, 'b again')
    await kept.checkpoint()
    expect(kafka.committed).toEqual(['a', 'b', 'b again'])
  })

  it('goes on from a snapshot in a new lineage, with the same ids, and leaves out what was committed (R33)', async () => {
    const first = await start({ lineage: 'aa' })
    first.write(0, 'a')
    const from = await first.publish()
    await first.close()
    const second = await start({ from, forks: true, lineage: 'bb' })
    second.write(0, 'b')
    await second.checkpoint()
    expect(kafka.committed).toEqual(['a', 'b'])
    expect(kafka.usedIds).toEqual(['millrace-out-sink-0'])
  })

  it('does not start a second time from one snapshot, nor afresh, on what the first has written (R2)', async () => {
    const first = await start({ lineage: 'aa' })
    first.write(0, 'a')
    const from = await first.checkpoint()
    await first.close()
    const second = await start({ from, forks: true, lineage: 'bb' })
    second.write(0, 'b')
    await second.checkpoint()
    await second.close()
    const conflict = { code: 'MR_OUTPUT_CONFLICT' }
    await expect(start({ from, forks: true, lineage: 'cc' })).rejects.toMatchObject(conflict)
    await expect(start({ lineage: 'dd' })).rejects.toMatchObject(conflict)
    await expect(start({ lineage: 'dd', policy: 'replace' })).rejects.toMatchObject(conflict)
    expect(kafka.committed).toEqual(['a', 'b'])
    const kept = await start({ lineage: 'dd', policy: 'keep' })
    kept.write(0, 'a')
    await kept.checkpoint()
    expect(kafka.committed).toEqual(['a', 'b', 'a'])
  })

  it('says what the brokers allow where its transactions may take longer', async () => {
    kafka.maxTimeoutMs = 20_000
    await expect(start()).rejects.toMatchObject({
      code: 'MR_KAFKA_TRANSACTION_TIMEOUT',
      message: expect.stringContaining('20 s at most'),
    })
    const attempt = await start({ transactionTimeout: '20s' })
    await attempt.close()
  })

  it('tells a transaction that took too long from one that somebody has taken over, and is restarted', async () => {
    const attempt = await start({ lineage: 'aa' })
    attempt.write(0, 'a')
    const from = await attempt.publish()
    before = async (call) => {
      if (call !== 'sendMarker') return
      before = () => {}
      clock.advance(61_000)
      // As the coordinator does when the time is over: nobody has the epoch any more.
      await kafka.client().initProducer('millrace-out-sink-0', 60_000)
    }
    await expect(attempt.commit()).rejects.toMatchObject({
      code: 'MR_KAFKA_TRANSACTION_TIMEOUT',
      name: 'RestartableError',
    })
    const next = await start({ from })
    expect(kafka.committed).toEqual(['a'])
    await next.close()
  })

  it('gives up after retryTimeout, and the next attempt finds out what was committed', async () => {
    const attempt = await start({ retryTimeout: '10s' })
    attempt.write(0, 'a')
    const from = await attempt.publish()
    let isDown = false
    before = () => {
      if (isDown) throw broken()
    }
    // The broker goes away in the end of the transaction, and has done it.
    after = (call) => {
      if (call !== 'endTransaction') return
      isDown = true
      throw broken()
    }
    await expect(attempt.commit()).rejects.toMatchObject({
      code: 'MR_KAFKA_UNAVAILABLE',
      name: 'RestartableError',
    })
    before = () => {}
    after = () => {}
    const next = await start({ from })
    expect(kafka.committed).toEqual(['a'])
    await next.close()
  })

  it('leaves no transaction open when it fails for good, as readers would wait behind it', async () => {
    const attempt = await start({ lineage: 'aa' })
    kafka.maxBatchBytes = 100
    attempt.write(0, 'a'.repeat(100))
    await attempt.publish()
    await expect(attempt.commit()).rejects.toMatchObject({ code: 'MR_KAFKA_RECORD_TOO_LARGE' })
    expect(kafka.isOpen('millrace-out-sink-0')).toBe(false)
  })

  it('refuses a record that is larger than the topic takes when it is written', async () => {
    kafka.maxBatchBytes = 1_000
    const attempt = await start()
    attempt.write(0, 'a'.repeat(700), 'b'.repeat(700), 'c')
    expect(() => attempt.write(0, 'd'.repeat(1_000))).toThrow(
      expect.objectContaining({
        code: 'MR_KAFKA_RECORD_TOO_LARGE',
        message: expect.stringContaining('1000 at most'),
      }),
    )
  })

  it('withholds credit while one checkpoint is written and another waits (R35)', async () => {
    const attempt = await start()
    const { writer } = attempt.drivers[0]!
    attempt.write(0, 'a')
    await attempt.publish()
    attempt.write(0, 'b')
    expect(writer.isReady).toBe(true)
    await attempt.publish()
    expect(writer.isReady).toBe(false)
    await attempt.commit()
    expect(writer.isReady).toBe(true)
  })
})

describe('kafkaSink, at least once', () => {
  const atLeastOnce = { guarantee: 'at-least-once' } as const

  it('has written all before a cut when that is durable, and takes no committer (R33)', async () => {
    const sink = sinkOf(atLeastOnce)
    expect(sink.guarantee).toBe('at-least-once')
    expect(sink.createCommitter).toBe(undefined)
    const attempt = await start(atLeastOnce)
    attempt.write(0, 'a', 'b')
    const cut = attempt.publish()
    attempt.write(0, 'c')
    await cut
    expect(kafka.committed.slice(0, 2)).toEqual(['a', 'b'])
    await attempt.close()
  })

  it('writes in the background, without a checkpoint', async () => {
    const attempt = await start(atLeastOnce)
    attempt.write(0, 'a')
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(kafka.committed).toEqual(['a'])
    await attempt.close()
  })

  it('sends again what broke, in order, and the broker drops what it has', async () => {
    const attempt = await start(atLeastOnce)
    let tries = 0
    before = (call) => {
      if (call === 'produce' && tries++ % 3 === 0) throw broken()
    }
    after = (call) => {
      if (call === 'produce' && tries % 3 === 2) throw broken()
    }
    for (let i = 0; i < 20; i++) {
      attempt.write(0, `r${i}`)
      if (i % 5 === 0) await attempt.publish()
    }
    await attempt.publish()
    expect(kafka.committed).toEqual(Array.from({ length: 20 }, (_, i) => `r${i}`))
    expect(tries).toBeGreaterThan(6)
  })

  it('fails the attempt where no broker answers for retryTimeout', async () => {
    const attempt = await start({ ...atLeastOnce, retryTimeout: '5s' })
    before = () => {
      throw broken()
    }
    attempt.write(0, 'a')
    await expect(attempt.publish()).rejects.toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE' })
    expect(attempt.failure).toMatchObject({ code: 'MR_KAFKA_UNAVAILABLE' })
    expect(attempt.drivers[0]!.writer.isReady).toBe(false)
  })

  it('takes no more than 8 MiB that are not written (R7)', async () => {
    const attempt = await start(atLeastOnce)
    const { writer } = attempt.drivers[0]!
    let isStuck = true
    before = async () => {
      while (isStuck) await new Promise((resolve) => setImmediate(resolve))
    }
    const record = 'x'.repeat(10_000)
    let written = 0
    for (; writer.isReady; written++) attempt.write(0, record)
    expect(written * record.length).toBeLessThan(8.1 * 1024 * 1024)
    isStuck = false
    await attempt.publish()
    expect(writer.isReady).toBe(true)
    expect(kafka.committed.length).toBe(written)
    await attempt.close()
  })
})

describe('records of kafkaSink', () => {
  const topic = kafkaTopic({ name: 'out', value: json<{ n: number }>(), key: string() })

  it('refuses options that contradict each other', () => {
    const invalid = (options: object, text: string) =>
      expect(() => kafkaSink({ ...OPTIONS, ...options } as never)).toThrow(
        expect.objectContaining({
          code: 'MR_SINK_INVALID',
          message: expect.stringContaining(text),
        }),
      )
    invalid({ topik: 'x' }, 'topik')
    invalid({ topic: 'a b' }, 'topic')
    invalid({ topic }, 'value is')
    invalid({ value: undefined }, 'value')
    invalid({ toKey: () => 'k' }, 'key')
    invalid({ toValue: 1 }, 'toValue')
    invalid({ guarantee: 'none' }, 'guarantee')
    invalid({ compression: 'zip' }, 'compression')
    invalid({ transactionalIdPrefix: 'ä' }, 'transactionalIdPrefix')
    invalid({ transactionTimeout: 10 }, 'transactionTimeout')
    invalid({ markerTopic: 'out' }, 'markerTopic')
    invalid({ whenMarkerLost: 'guess' }, 'whenMarkerLost')
    expect(() => kafkaTopic({ name: 'out' } as never)).toThrow('value')
  })

  it('tells what a function returned that is no partition or no time', async () => {
    const failing = async (options: Partial<KafkaSinkOptions<string>>) => {
      const attempt = await start(options)
      return () => attempt.write(0, 'a')
    }
    const partition = expect.objectContaining({ code: 'MR_PARTITION_INVALID' })
    const timestamp = expect.objectContaining({ code: 'MR_TIMESTAMP_INVALID' })
    expect(await failing({ partition: (_, count) => count })).toThrow(partition)
    expect(await failing({ timestamp: () => Number.NaN })).toThrow(timestamp)
  })
})
