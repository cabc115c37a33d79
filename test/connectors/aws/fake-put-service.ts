import type { PutRecord } from '../../../connectors/aws/put-record.ts'
import type { PutRefusal, PutService } from '../../../connectors/aws/put-service.ts'

/** What becomes of a request: of each record, or of all. */
export type FakeAnswer =
  | readonly (string | undefined)[]
  /** The request fails with this, and the service has or has not taken it. */
  | { readonly fails: Error; readonly isTaken: boolean }

/** A service in this process that fails as it is told. */
export class FakePutService implements PutService {
  readonly target = 'the stream "out"'
  readonly throttle = 'Throttled'
  readonly wayOut = 'write less'
  /** What has been taken, in order. */
  readonly taken: { readonly key: string | undefined; readonly bytes: Buffer }[] = []
  /** How many records each request had. */
  readonly requests: number[] = []
  inFlight = 0
  mostInFlight = 0
  isClosed = false
  /** Decides about each request; undefined: all is taken. */
  plan: (records: readonly PutRecord[], nth: number) => FakeAnswer | undefined = () => undefined
  /** Waits before each answer. */
  wait: () => Promise<void> = async () => {}

  async put(
    records: readonly PutRecord[],
    signal: AbortSignal,
  ): Promise<readonly (PutRefusal | undefined)[]> {
    const nth = this.requests.push(records.length) - 1
    this.inFlight++
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    try {
      await Promise.race([this.wait(), aborted(signal)])
      const answer = this.plan(records, nth)
      if (answer === undefined) {
        this.#take(records)
        return records.map(() => undefined)
      }
      if ('fails' in answer) {
        if (answer.isTaken) this.#take(records)
        throw answer.fails
      }
      this.#take(records.filter((_, i) => answer[i] === undefined))
      return answer.map((name) =>
        name === undefined ? undefined : { name, message: `${name} of the test` },
      )
    } finally {
      this.inFlight--
    }
  }

  #take(records: readonly PutRecord[]): void {
    for (const { key, data } of records) this.taken.push({ key, bytes: Buffer.from(data) })
  }

  get texts(): readonly string[] {
    return this.taken.map(({ bytes }) => bytes.toString())
  }

  delayBefore(n: number): number {
    return 100 * n
  }

  attempt(what: string) {
    return { operator: 'sink', service: 'Fake', what, where: 'nowhere' }
  }

  async checkTarget(): Promise<void> {}

  close(): void {
    this.isClosed = true
  }
}

/** An error as the SDK throws it. */
export function sdkError(name: string, status?: number, code?: string): Error {
  const $metadata = status === undefined ? {} : { httpStatusCode: status }
  return Object.assign(new Error(`${name} of the test`), { name, $metadata, code })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(sdkError('AbortError'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}
