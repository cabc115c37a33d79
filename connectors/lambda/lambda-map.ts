import { AwsClient, type AwsService, loadAwsService } from '../../runtime/aws/aws-client.ts'
import type { OutputTag } from '../../runtime/operator.ts'
import { recordTooLarge } from '../aws/put-errors.ts'
import { REAL_SURROUNDINGS } from '../aws/put-sink.ts'
import { BadMessageError, type MessageReader, type MessageWriter } from '../message-format.ts'
import type { LambdaAnswerError } from './lambda-answer.ts'
import { LambdaBatcher } from './lambda-batcher.ts'
import {
  answerBroken,
  functionThrew,
  type LambdaCaller,
  recordFailed,
  recordFailedText,
  resultUnreadable,
} from './lambda-errors.ts'
import {
  checkLambdaMap,
  type CheckedLambdaMap,
  type LambdaMapOptions,
  MAX_DATA_BYTES,
} from './lambda-options.ts'

const LAMBDA: AwsService = {
  name: 'Lambda',
  package: '@aws-sdk/client-lambda',
  client: 'LambdaClient',
}

/** What `Invoke` answers, as far as it matters. */
interface InvokeOutput {
  readonly FunctionError?: string
  readonly Payload?: Uint8Array
}

/** What is needed of the context of a call. */
interface RecordContext {
  readonly timestamp: number
  count(counter: string, by?: number): void
  output<S>(tag: OutputTag<S>, value: NoInfer<S>): void
}

/** An asynchronous function, for `orderedWait` and `unorderedWait`. */
export interface LambdaMap<T, R> {
  open(context: { readonly uid: string }): Promise<void>
  asyncInvoke(value: T, ctx: RecordContext): Promise<readonly R[]>
  close(): void
}

/**
 * Has a function of AWS Lambda transform records, for `orderedWait` and `unorderedWait`. Needs the package `@aws-sdk/client-lambda`.
 *
 * The function is called as Firehose calls its transformations, with `{ records: [{ recordId, approximateArrivalTimestamp, data }] }`,
 * `data` in base64, and answers with `{ records: [{ recordId, result, data }] }`: so one function serves both. `Ok` gives the record
 * that `data` holds, `Dropped` none, `ProcessingFailed` stops the job, is skipped, or gives the record to a side output (`onFailed`).
 *
 * Records go together into a call, up to `batchRecords`, when they are so many or the first has waited for `linger`; set `capacity` of the operator
 * to what all calls may hold. Lambda may call a function twice for what it was given once, and a restart calls it again for all
 * that had not been passed on. While Lambda throttles, calls are tried again for `retryTimeout`; a function that throws fails
 * the attempt with `MR_LAMBDA_FAILED`, unless the operator has `retry`.
 *
 * @example
 * clicks.orderedWait(
 *   lambdaMap({ functionName: 'enrich', value: json<Click>(), result: json<Enriched>() }),
 *   { uid: 'enrich', capacity: 1_000 },
 * )
 */
export function lambdaMap<T, R>(options: LambdaMapOptions<T, R>): LambdaMap<T, R> {
  const checked = checkLambdaMap(options)
  loadAwsService(LAMBDA, 'lambdaMap()')
  // One object serves all subtasks of a thread.
  let session: LambdaSession<T, R> | undefined
  let users = 0
  return {
    async open({ uid }) {
      users++
      session ??= new LambdaSession(checked, uid)
      await session.opened
    },
    asyncInvoke: (value, ctx) => session!.call(value, ctx),
    close() {
      if (--users > 0) return
      session?.close()
      session = undefined
    },
  }
}

/** The calls of one thread. */
class LambdaSession<T, R> {
  /** Resolves when records may come. */
  readonly opened: Promise<unknown>
  readonly #options: CheckedLambdaMap<T, R>
  readonly #caller: LambdaCaller
  readonly #client: AwsClient
  readonly #batcher: LambdaBatcher
  readonly #writer: MessageWriter<T>
  readonly #reader: MessageReader<R>
  readonly #ending = new AbortController()

  constructor(options: CheckedLambdaMap<T, R>, operator: string) {
    const { functionName, connection, value, result } = options
    this.#options = options
    this.#caller = { operator, functionName }
    this.#client = new AwsClient({
      service: LAMBDA,
      connection,
      ...REAL_SURROUNDINGS,
      operator,
      from: 'lambdaMap()',
    })
    this.#writer = value.createMessageWriter({ topic: functionName, part: 'value' })
    this.#reader = result.createMessageReader({ topic: functionName, part: 'value' })
    const region = connection.region ?? process.env['AWS_REGION'] ?? ''
    this.#batcher = new LambdaBatcher({
      ...options,
      clock: REAL_SURROUNDINGS.clock,
      caller: { deliveryStreamArn: `millrace:${operator}`, region },
      call: (payload, records) => this.#invoke(payload, records),
      broken: (error) => answerBroken(this.#caller, error as LambdaAnswerError),
    })
    this.opened = Promise.all([this.#writer.open?.(), this.#reader.open?.()])
  }

  async call(value: T, ctx: RecordContext): Promise<readonly R[]> {
    const data = this.#writer.write(value)
    const bytes = data.length
    if (bytes > MAX_DATA_BYTES) {
      const { operator, functionName } = this.#caller
      const size = { bytes, limit: MAX_DATA_BYTES }
      const target = `the function "${functionName}" of Lambda`
      throw recordTooLarge(operator, target, size, 'make it smaller')
    }
    const answer = await this.#batcher.ask(data, ctx.timestamp)
    if (answer.result === 'Dropped') return []
    if (answer.result === 'Ok') return [await this.#read(answer.data)]
    const { onFailed, functionName } = this.#options
    if (onFailed === 'fail') throw recordFailed(this.#caller, data)
    if (onFailed === 'skip') {
      ctx.count('recordsSkipped')
      return []
    }
    ctx.count('recordsToSideOutput')
    const error = recordFailedText(this.#caller, data)
    ctx.output(onFailed, { error, functionName, value })
    return []
  }

  close(): void {
    this.#ending.abort()
    this.#batcher.close()
    this.#client.close()
  }

  async #read(data: Buffer): Promise<R> {
    await this.#reader.prepare?.(data)
    try {
      return this.#reader.read(data)
    } catch (error) {
      throw error instanceof BadMessageError ? resultUnreadable(this.#caller, data, error) : error
    }
  }

  async #invoke(Payload: string, records: number): Promise<string> {
    const { functionName } = this.#caller
    const input = { FunctionName: functionName, InvocationType: 'RequestResponse', Payload }
    const call = {
      what: `call the function "${functionName}"`,
      signal: this.#ending.signal,
    }
    const output = await this.#client.send<InvokeOutput>('Invoke', input, call)
    const text = Buffer.from(output.Payload ?? []).toString()
    if (output.FunctionError !== undefined) throw functionThrew(this.#caller, records, text)
    return text
  }
}
