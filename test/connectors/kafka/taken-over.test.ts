import { beforeEach, describe, expect, it } from 'vitest'
import { kafkaSinkOn } from '../../../connectors/kafka/kafka-sink.ts'
import { string } from '../../../connectors/string-format.ts'
import { type Call, FakeKafka } from './fake-kafka.ts'
import { HastyClock } from './hasty-clock.ts'
import { type AttemptOptions, SinkAttempt } from './sink-attempt.ts'

const CALLS: readonly Call[] = ['addPartitions', 'sendMarker', 'endTransaction']
const broken = () => Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' })

let kafka: FakeKafka
let clock: HastyClock

beforeEach(() => {
  kafka = new FakeKafka()
  clock = new HastyClock()
})

/** An attempt, and what runs before each of its calls. */
async function start(options: AttemptOptions = {}) {
  const hooks = { before: (_call: Call): void | Promise<void> => {} }
  const makeClient = () =>
    kafka.client(async (call, run) => {
      await hooks.before(call)
      return run()
    })
  const sink = kafkaSinkOn<string>(
    { makeClient, clock },
    { brokers: 'localhost:1', topic: 'out', value: string(), whenMarkerLost: 'replay' },
  )
  return { attempt: await SinkAttempt.start(sink, { clock, ...options }), hooks }
}

describe('kafkaSink, stopped for long while another run has gone on', () => {
  it.each(CALLS)(
    'does not take its id back when its connection is gone at %s, and writes nothing (R33)',
    async (lost) => {
      const { attempt: zombie, hooks } = await start()
      zombie.write(0, 'both have it')
      const from = await zombie.publish()
      const { attempt: heir } = await start({ from })
      let losses = 0
      hooks.before = (call) => {
        if (call === lost && losses++ === 0) throw broken()
      }
      await expect(zombie.commit()).rejects.toMatchObject({ code: 'MR_KAFKA_FENCED' })
      heir.write(0, 'heir')
      await heir.checkpoint()
      expect(kafka.committed).toEqual(['both have it', 'heir'])
      await zombie.close()
      await heir.close()
    },
  )

  it.each(
    CALLS.flatMap(
      (call) =>
        [
          [call, true],
          [call, false],
        ] as const,
    ),
  )(
    'tells a takeover though all its time is over, at %s, broken off: %s',
    async (lost, isBroken) => {
      const { attempt: zombie, hooks } = await start()
      zombie.write(0, 'both have it')
      const from = await zombie.publish()
      let heir: SinkAttempt<string> | undefined
      hooks.before = async (call) => {
        if (call !== lost || heir !== undefined) return
        heir = (await start({ from })).attempt
        clock.advance(61_000)
        if (isBroken) throw broken()
      }
      await expect(zombie.commit()).rejects.toMatchObject({ code: 'MR_KAFKA_FENCED' })
      if (heir === undefined) throw new Error('It was not stopped.')
      heir.write(0, 'heir')
      await heir.checkpoint()
      expect(kafka.committed).toEqual(['both have it', 'heir'])
      await zombie.close()
      await heir.close()
    },
  )

  it('goes on by itself where nobody has taken over', async () => {
    const { attempt, hooks } = await start()
    let losses = 0
    hooks.before = (call) => {
      if (call === 'endTransaction' && losses++ % 3 === 0) throw broken()
    }
    for (const value of ['a', 'b', 'c', 'd']) {
      attempt.write(0, value)
      await attempt.checkpoint()
    }
    expect(kafka.committed).toEqual(['a', 'b', 'c', 'd'])
    await attempt.close()
  })
})
