import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rootCause } from '../../../connectors/kafka/kafka-errors.ts'
import { kafkaSinkOn } from '../../../connectors/kafka/kafka-sink.ts'
import type { KafkaSinkOptions } from '../../../connectors/kafka/kafka-sink-options.ts'
import { string } from '../../../connectors/string-format.ts'
import { type Call, FakeKafka } from './fake-kafka.ts'
import { HastyClock } from './hasty-clock.ts'
import { SinkAttempt, type SinkCheckpoint } from './sink-attempt.ts'

class Crash extends Error {}

/** A connection that breaks: tried again. */
function broken(): Error {
  return Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' })
}

/** What goes wrong at the n-th call of a life: nobody knows whether it was done when it breaks `after`. */
interface Fault {
  readonly at: number
  readonly how: 'break before' | 'break after' | 'crash before' | 'crash after' | 'freeze'
}

interface Life {
  readonly parallelism: number
  /** Records written before each checkpoint, and whether it is aborted. */
  readonly checkpoints: readonly { readonly records: number; readonly isAborted: boolean }[]
  readonly faults: readonly Fault[]
}

/** How a run ends that another one has taken over from. */
const SHUT_OUT = new Set(['MR_KAFKA_FENCED', 'MR_KAFKA_MARKER_LOST', 'MR_OUTPUT_CONFLICT'])

const OPTIONS = { brokers: 'localhost:1', topic: 'out', value: string() } as const

/** A job that is all sink on a fake cluster, through lives that end in crashes. */
class SinkLives {
  readonly kafka = new FakeKafka()
  readonly options: KafkaSinkOptions<string>
  last: SinkCheckpoint | undefined
  readonly expected: string[] = []
  readonly zombies: Promise<unknown>[] = []
  #records = 0
  #thaw: (() => void)[] = []

  constructor(options: Partial<KafkaSinkOptions<string>> = {}) {
    this.options = { ...OPTIONS, ...options }
  }

  /** Lives once; resolves when the life is over, or is frozen. */
  async live({ parallelism, checkpoints, faults }: Life): Promise<void> {
    let calls = 0
    let isDead = false
    const self = { isZombie: false }
    let frozen = () => {}
    const stopped = new Promise<void>((resolve) => {
      frozen = resolve
    })
    const around = async (call: Call, run: () => unknown) => {
      const fault = faults.find(({ at }) => at === calls)
      calls++
      if (isDead) throw new Crash()
      if (fault === undefined) return run()
      if (fault.how === 'break before') throw broken()
      if (fault.how === 'freeze') {
        const thawed = new Promise<void>((resolve) => this.#thaw.push(resolve))
        self.isZombie = true
        frozen()
        await thawed
        return run()
      }
      isDead = fault.how.startsWith('crash')
      if (fault.how === 'crash before') throw new Crash()
      // A read has no effect, and its answer is lost.
      const answer = run()
      if (call === 'readMarkers' && fault.how === 'break after') return answer
      throw isDead ? new Crash() : broken()
    }
    const sink = kafkaSinkOn(
      { makeClient: () => this.kafka.client(around), clock: new HastyClock() },
      this.options,
    )
    const life = this.#run(sink, parallelism, checkpoints, self)
    this.zombies.push(life)
    await Promise.race([life, stopped])
  }

  async #run(
    sink: ReturnType<typeof kafkaSinkOn<string>>,
    parallelism: number,
    checkpoints: Life['checkpoints'],
    self: { readonly isZombie: boolean },
  ): Promise<void> {
    const { last } = this
    try {
      const attempt = await SinkAttempt.start(sink, {
        parallelism,
        clock: new HastyClock(),
        lineage: 'aa',
        ...(last === undefined ? {} : { from: last }),
      })
      if (self.isZombie) return
      this.#release()
      // What was written before an aborted checkpoint belongs to the next one.
      let written: string[] = []
      for (const { records, isAborted } of checkpoints) {
        for (let i = 0; i < records; i++) {
          const record = `r${this.#records++}`
          attempt.write(i % parallelism, record)
          written.push(record)
        }
        const published = await attempt.publish(isAborted)
        if (isAborted) continue
        // Its checkpoints are in a folder of its own; what it had published before goes on.
        if (self.isZombie) return
        this.last = published
        this.expected.push(...written)
        written = []
        await attempt.commit()
      }
    } catch (error) {
      if (!(error instanceof Crash) && !SHUT_OUT.has((error as { code?: string }).code!)) {
        if (!(rootCause(error) instanceof Crash)) throw error
      }
    }
  }

  /** Lets zombies go on, once somebody else has taken over. */
  #release(): void {
    for (const thaw of this.#thaw) thaw()
    this.#thaw = []
  }

  async end(): Promise<void> {
    await this.live({ parallelism: 1, checkpoints: [{ records: 1, isAborted: false }], faults: [] })
    await Promise.all(this.zombies)
  }
}

const life: fc.Arbitrary<Life> = fc.record({
  parallelism: fc.integer({ min: 1, max: 3 }),
  checkpoints: fc.array(fc.record({ records: fc.nat({ max: 5 }), isAborted: fc.boolean() }), {
    maxLength: 4,
  }),
  faults: fc.array(
    fc.record({
      at: fc.nat({ max: 60 }),
      how: fc.constantFrom<Fault['how']>(
        'break before',
        'break after',
        'crash before',
        'crash after',
      ),
    }),
    { maxLength: 3 },
  ),
})

describe('kafkaSink, exactly once', () => {
  it('writes each record once, whatever breaks and crashes on the way (R33)', async () => {
    const settings = fc.record({ lateness: fc.nat({ max: 2 }), busyness: fc.nat({ max: 2 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(life, { maxLength: 4 }), settings, async (lives, how) => {
        const job = new SinkLives()
        Object.assign(job.kafka, how)
        for (const one of lives) await job.live(one)
        await job.end()
        expect([...job.kafka.committed].sort()).toEqual([...job.expected].sort())
      }),
      { numRuns: 1_000 },
    )
  })

  it.each(['crash before', 'crash after', 'break before', 'break after', 'freeze'] as const)(
    'writes each record once with a %s at any single call, through a change of parallelism (R33)',
    async (how) => {
      const checkpoints = [2, 0, 3].map((records) => ({ records, isAborted: false }))
      for (let at = 0; ; at++) {
        const job = new SinkLives()
        job.kafka.lateness = 1
        await job.live({ parallelism: 2, checkpoints, faults: [] })
        let isReached = false
        const faults = [
          {
            how,
            get at() {
              isReached = true
              return at
            },
          },
        ]
        let calls = 0
        const client = job.kafka.client.bind(job.kafka)
        job.kafka.client = (around) => client((call, run) => (calls++, around!(call, run)))
        await job.live({ parallelism: 3, checkpoints, faults })
        const isAtEnd = calls <= at
        await job.live({ parallelism: 1, checkpoints, faults: [] })
        await job.end()
        expect(isReached).toBe(true)
        expect([...job.kafka.committed].sort(), `${how} at call ${at}`).toEqual(
          [...job.expected].sort(),
        )
        if (isAtEnd) {
          expect(at).toBeGreaterThan(30)
          break
        }
      }
    },
  )
})
