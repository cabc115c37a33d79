import { StreamError, thrownText } from '../../runtime/errors.ts'
import type { JobModule } from '../../runtime/job/job-module.ts'
import { checkOptionNames, type OptionNames } from '../../runtime/option-names.ts'
import { type KinesisReading, readingOf } from '../kinesis/kinesis-source.ts'
import { EventReader } from './event-reader.ts'
import type {
  KinesisBatchResponse,
  KinesisEventRecord,
  KinesisStreamEvent,
} from './kinesis-event.ts'
import { checkStateless, StatelessChain } from './stateless-chain.ts'

/** Options of `kinesisHandler()`. */
export interface KinesisHandlerOptions {
  /** Parameters of the job, by name. Default: none, so that each has its own default. */
  readonly params?: Readonly<Record<string, unknown>>
  /** Takes a line for people. Default: standard output, which Lambda writes to CloudWatch. */
  readonly log?: (line: string) => void
}

const NAMES: OptionNames<KinesisHandlerOptions> = { params: true, log: true }

/**
 * Makes a Lambda function, for a trigger by a Kinesis stream, of the graph of a job that keeps no state: its source reads the records
 * of the events, and what comes of them is flushed to its sinks before the function returns.
 *
 * The job has one `kinesisSource`, operators without state, timers and keys (map, filter, flatMap, process, asyncMap, side outputs),
 * and at-least-once sinks (`kinesisSink`, `firehoseSink`, Kafka's, `printSink`). Anything else fails with `MR_HANDLER_UNSUPPORTED` when the
 * handler is made, and all of it is named. The job itself may still be run by `millrace run`.
 *
 * **Failures.** A record that fails ends the batch: those before it are flushed, and the answer names it, so that Lambda begins again
 * there (the trigger needs `ReportBatchItemFailures`; without it Lambda takes the batch for done). Where a flush fails, the answer
 * names the first record of the batch. Records may so be written more than once. How often Lambda tries, and where records go that
 * never succeed, is set at the trigger (`MaximumRetryAttempts`, `OnFailure`). The reason is logged.
 *
 * @example
 * import clicks from './clicks.ts'
 * export const handler = kinesisHandler(clicks, { params: { output: 'clean-clicks' } })
 */
export function kinesisHandler(
  job: JobModule,
  options: KinesisHandlerOptions = {},
): (event: KinesisStreamEvent) => Promise<KinesisBatchResponse> {
  checkOptionNames(options, NAMES, 'kinesisHandler()', 'MR_OPTION_INVALID')
  const params = job.parseParams(options.params ?? {})
  const { graph } = job.build(params, { parallelism: 1, maxParallelism: 1 })
  const source = checkStateless(job.name, graph)
  const reading = readingOf(source.source)
  if (reading === undefined) {
    throw new StreamError(
      'MR_HANDLER_UNSUPPORTED',
      `Job "${job.name}" reads from ${source.source.kind} "${source.name}", so it cannot run as a Lambda function for a Kinesis stream; give it a kinesisSource.`,
      { job: job.name },
    )
  }
  const log = options.log ?? ((line: string) => console.log(line))
  const batches = new Batches(reading, async () => {
    const chain = new StatelessChain(graph, { log })
    await chain.open(source)
    return chain
  })
  // One after another, should anybody call it twice at once.
  let last: Promise<unknown> = Promise.resolve()
  return (event) => {
    const answer = last.then(() => batches.process(event.Records, log))
    last = answer.catch(() => {})
    return answer
  }
}

interface OpenBatches {
  readonly chain: StatelessChain
  readonly reader: EventReader
}

/** Runs batches of records through one chain, which is made anew after a failure. */
class Batches {
  readonly #reading: KinesisReading
  readonly #openChain: () => Promise<StatelessChain>
  #open: OpenBatches | undefined

  constructor(reading: KinesisReading, openChain: () => Promise<StatelessChain>) {
    this.#reading = reading
    this.#openChain = openChain
  }

  async process(
    records: readonly KinesisEventRecord[],
    log: (line: string) => void,
  ): Promise<KinesisBatchResponse> {
    if (records.length === 0) return { batchItemFailures: [] }
    let failed: KinesisEventRecord | undefined
    let at: KinesisEventRecord | undefined
    try {
      this.#open ??= await this.#start()
      const { chain, reader } = this.#open
      try {
        for (at of records) {
          let waiting = reader.read(at)
          for (; waiting !== undefined; waiting = reader.goOn()) await waiting
        }
      } catch (error) {
        failed = at
        log(`error ${errorText(error)}`)
      }
      await chain.flush()
      for (const [counter, by] of chain.takeCounters()) log(`${counter}: ${by}`)
    } catch (error) {
      failed = records[0]!
      log(`error ${errorText(error)}`)
    }
    // What has failed may be in the middle of a record.
    if (failed !== undefined) await this.#end()
    const batchItemFailures =
      failed === undefined ? [] : [{ itemIdentifier: failed.kinesis.sequenceNumber }]
    return { batchItemFailures }
  }

  async #start(): Promise<OpenBatches> {
    const chain = await this.#openChain()
    const reader = new EventReader(this.#reading, {
      ready: () => chain.readySoon(),
      emit: (value, timestamp) => chain.take(value, timestamp),
      emitSide: (tag, value, timestamp) => chain.takeSide(tag, value, timestamp),
      skipped: () => chain.countSkipped(),
    })
    await reader.open()
    return { chain, reader }
  }

  async #end(): Promise<void> {
    await this.#open?.chain.close()
    this.#open = undefined
  }
}

function errorText(error: unknown): string {
  return error instanceof StreamError ? `${error.code}: ${error.message}` : thrownText(error)
}
