import { type Clock, delay, type Random } from '../../runtime/clock.ts'
import { RestartableError, StreamError, thrownText } from '../../runtime/errors.ts'

/** How a registry is reached, checked by `schemaRegistry()`. */
export interface RegistryEndpoint {
  /** Without a slash at its end. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly tries: number
}

/** That a registry refuses a request: its own error code (such as 40403) with a message. */
export interface RegistryRefusal {
  readonly status: number
  readonly errorCode: number
  readonly message: string
}

/** What a registry answers. */
export type RegistryAnswer = { readonly body: Readonly<Record<string, unknown>> } | RegistryRefusal

/** Longest wait between two tries, in milliseconds; the first is a twentieth of it. */
const MAX_BACKOFF_MS = 2_000
const TYPE = 'application/vnd.schemaregistry.v1+json'

/**
 * Requests to a schema registry over HTTP, with a bounded number of tries.
 *
 * Connection failures, timeouts, 408, 429 and 5xx are tried again, with growing random waits between; then the request fails
 * with `MR_REGISTRY_UNREACHABLE`, which the restart strategy may try again. Refused credentials fail at once with
 * `MR_REGISTRY_DENIED`.
 */
export class RegistryHttp {
  readonly #endpoint: RegistryEndpoint
  readonly #clock: Clock
  readonly #random: Random

  constructor(endpoint: RegistryEndpoint, clock: Clock, random: Random) {
    this.#endpoint = endpoint
    this.#clock = clock
    this.#random = random
  }

  async request(method: 'GET' | 'POST', path: string, body?: unknown): Promise<RegistryAnswer> {
    const start = this.#clock.elapsed()
    const { tries } = this.#endpoint
    let failure: unknown
    for (let done = 0; done < tries; done++) {
      if (done > 0) await delay(this.#clock, this.#random.next() * backoffMs(done))
      try {
        const response = await this.#send(method, path, body)
        const { status } = response
        if (status !== 408 && status !== 429 && status < 500) {
          return this.#answerOf(status, response.text, path)
        }
        failure = new Error(`it answered ${status} ${shorten(response.text)}`)
      } catch (error) {
        if (error instanceof StreamError) throw error
        failure = error
      }
    }
    throw this.#unreachable(path, this.#clock.elapsed() - start, failure)
  }

  /** One try; the timeout covers the body too. */
  async #send(
    method: string,
    path: string,
    body: unknown,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { url, headers, timeoutMs } = this.#endpoint
    const abort = new AbortController()
    const cancel = this.#clock.schedule(timeoutMs, () => {
      abort.abort(new Error(`no answer within ${timeoutMs} ms`))
    })
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...headers,
          accept: TYPE,
          ...(body === undefined ? {} : { 'content-type': TYPE }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: abort.signal,
        // Credentials must not follow to another place.
        redirect: 'manual',
      })
      return { status: response.status, text: await response.text() }
    } finally {
      cancel()
    }
  }

  #answerOf(status: number, text: string, path: string): RegistryAnswer {
    const { url } = this.#endpoint
    if (status === 401 || status === 403) {
      throw new StreamError(
        'MR_REGISTRY_DENIED',
        `The schema registry at ${url} answered ${status} to ${path} (${shorten(text)}), so schemas can be neither read ` +
          `nor registered; give "auth" of schemaRegistry() credentials that may do that.`,
        { url, path, status },
      )
    }
    const body = parseObject(text)
    if (status === 200 && body !== undefined) return { body }
    const errorCode = body?.['error_code']
    if (status >= 400 && typeof errorCode === 'number') {
      return { status, errorCode, message: shorten(String(body?.['message'])) }
    }
    throw new StreamError(
      'MR_REGISTRY_FAILED',
      `${url} answered ${status} ${shorten(text)} to ${path}, which no schema registry does; no schema can be read; ` +
        `correct "url" of schemaRegistry(), with the path that a proxy may need.`,
      { url, path, status },
    )
  }

  #unreachable(path: string, elapsedMs: number, failure: unknown): RestartableError {
    const { url, tries } = this.#endpoint
    const cause = failure instanceof Error ? failure.cause : undefined
    const reason =
      cause instanceof Error ? `${thrownText(failure)}: ${cause.message}` : thrownText(failure)
    return new RestartableError(
      'MR_REGISTRY_UNREACHABLE',
      `The schema registry at ${url} could not be asked for ${path}: ${tries} tries within ${Math.round(elapsedMs)} ms ` +
        `failed, the last with ${reason}; messages with schemas that are not known yet cannot be read or written; check ` +
        `"url" of schemaRegistry() and that the registry runs.`,
      { url, path, tries, elapsedMs },
      failure,
    )
  }
}

function backoffMs(done: number): number {
  return Math.min(MAX_BACKOFF_MS, (MAX_BACKOFF_MS / 20) * 2 ** (done - 1))
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    // Not JSON, so not from a registry; the caller says what it was.
    return undefined
  }
}

function shorten(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ')
  return line.length <= 500 ? line : `${line.slice(0, 500)}…`
}
