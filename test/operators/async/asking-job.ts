import {
  type AsyncContext,
  type AsyncFunction,
  collectionSink,
  collectionSource,
  job,
  type JobModule,
  monotonousTimestamps,
  type Out,
} from 'millrace'

const T0 = 1_700_000_000_000

/** What comes out of the job: what was answered, and whether a watermark had gone past its record. */
export interface Answered {
  readonly answer: string
  readonly isLate: boolean
}

export interface AskingOptions {
  readonly count: number
  readonly ordered: boolean
  readonly capacity: number
  /** Parallelism of the second function; another one than the job's puts a shuffle before it. */
  readonly secondParallelism: number
  /** Every so many records the first call fails; 0 is never. */
  readonly failEvery: number
  /** Every so many records no call is ever answered; 0 is never. */
  readonly silentEvery: number
}

/** Two asynchronous functions one behind the other, whose answers come after more or fewer turns of the event loop. */
export class AskingJob {
  readonly module: JobModule
  /** How often each record was asked of the first function. */
  readonly asked: Map<number, number> = new Map()
  readonly #options: AskingOptions

  constructor(options: AskingOptions) {
    this.#options = options
    const { count, ordered, capacity, secondParallelism } = options
    const numbers = Array.from({ length: count }, (_, n) => n)
    const wait = ordered ? 'orderedWait' : 'unorderedWait'
    const retry = { maxAttempts: 2, delay: 5 }
    this.module = job('asking', {}, (env) => {
      const source = env.fromSource(collectionSource(numbers), {
        uid: 'numbers',
        watermarks: monotonousTimestamps((n) => T0 + n),
      })
      const first = source[wait](this.#first(), { uid: 'first', capacity, retry, timeout: 60 })
      const parallelism = secondParallelism
      first[wait](this.#second, { uid: 'second', capacity, parallelism })
        .process((answer: string, ctx, out: Out<Answered>) => {
          out.emit({ answer, isLate: ctx.timestamp <= ctx.currentWatermark })
        })
        .sinkTo(collectionSink<Answered>(), { uid: 'answers', parallelism: 1 })
    })
  }

  #first(): AsyncFunction<number, string> {
    const { failEvery, silentEvery } = this.#options
    return {
      asyncInvoke: async (n: number, ctx: AsyncContext) => {
        this.asked.set(n, (this.asked.get(n) ?? 0) + 1)
        await turns((n * 7) % 5)
        if (failEvery > 0 && n % failEvery === 0 && ctx.callNumber === 1) throw new Error('busy')
        if (silentEvery > 0 && n % silentEvery === 1) await new Promise<never>(() => {})
        return answersOf(n)
      },
      timeout: answersOf,
    }
  }

  readonly #second = async (text: string): Promise<readonly string[]> => {
    await turns(text.length % 3)
    return [`${text}!`]
  }

  /** All answers, in the order of the records. */
  get expected(): string[] {
    const numbers = Array.from({ length: this.#options.count }, (_, n) => n)
    return numbers.flatMap((n) => answersOf(n).map((text) => `${text}!`))
  }
}

/** None, one or two. */
function answersOf(n: number): string[] {
  return Array.from({ length: n % 3 }, (_, i) => `${n}.${i}`)
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
