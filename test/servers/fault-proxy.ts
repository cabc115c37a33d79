import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { SeededRandom } from '../../runtime/clock.ts'

/** A request that is on its way to a service of AWS. */
export interface ProxiedRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Of services that speak JSON: the operation, such as `PutRecords`; of S3: such as `PutObject`. */
  readonly operation: string
  readonly body: Buffer
  /** How many requests of this operation came before, from 0. */
  readonly nth: number
  /** A random number in [0, 1), the same for the same seed and order of requests. */
  readonly random: number
}

/** What becomes of a request. */
export type Fault =
  /** It is answered by this, and reaches the service never. */
  | { readonly answer: FaultAnswer }
  /** It reaches the service, and its answer is lost: the connection breaks. */
  | { readonly loses: 'answer' }
  /** The connection breaks before the service hears of it. */
  | { readonly loses: 'request' }
  /** It reaches the service as this, and its answer comes as what `answer` makes of it. */
  | {
      readonly body?: Buffer
      readonly change?: (answer: { readonly status: number; readonly body: Buffer }) => FaultAnswer
    }
  /** It waits for so long before it goes on. */
  | { readonly delayMs: number }

/** An answer that is made up. */
export interface FaultAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

/** Decides about each request; undefined: it goes through. */
export type FaultPlan = (request: ProxiedRequest) => Fault | undefined

/**
 * Stands between a client of AWS and the service, in this process, for clients in any process: throttles, fails, and loses
 * requests and answers as its plan says.
 */
export class FaultProxy {
  /** What clients get in place of the endpoint of the service. */
  readonly endpoint: string
  /** How many requests there were of each operation. */
  readonly counts: Map<string, number> = new Map()
  /** How often a fault was dealt to each operation. */
  readonly faults: Map<string, number> = new Map()
  plan: FaultPlan
  readonly #server: Server
  readonly #target: URL
  readonly #random: SeededRandom

  private constructor(server: Server, target: string, seed: number, plan: FaultPlan) {
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.plan = plan
    this.#server = server
    this.#target = new URL(target)
    this.#random = new SeededRandom(seed)
  }

  static async start(
    target: string,
    options: { readonly seed?: number; readonly plan?: FaultPlan } = {},
  ): Promise<FaultProxy> {
    let proxy: FaultProxy | undefined
    const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
      proxy!.#handle(incoming, outgoing).catch(() => incoming.socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    server.unref()
    proxy = new FaultProxy(server, target, options.seed ?? 1, options.plan ?? (() => undefined))
    return proxy
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const { method = 'GET', url = '/' } = incoming
    const target = incoming.headers['x-amz-target']
    const operation =
      typeof target === 'string' ? target.split('.').at(-1)! : s3Operation(method, url)
    const nth = this.counts.get(operation) ?? 0
    this.counts.set(operation, nth + 1)
    const random = this.#random.next()
    const fault = this.plan({ method, url, operation, body, nth, random })
    if (fault !== undefined) this.faults.set(operation, (this.faults.get(operation) ?? 0) + 1)
    if (fault === undefined) return this.#forward(incoming, outgoing, body)
    if ('answer' in fault) return reply(outgoing, fault.answer)
    if ('delayMs' in fault) {
      await new Promise((resolve) => setTimeout(resolve, fault.delayMs))
      return this.#forward(incoming, outgoing, body)
    }
    if ('loses' in fault) {
      if (fault.loses === 'answer') await this.#ask(incoming, body)
      incoming.socket.destroy()
      return
    }
    const changed = fault.body ?? body
    if (fault.change === undefined) return this.#forward(incoming, outgoing, changed)
    const { answer, bytes } = await this.#ask(incoming, changed)
    reply(outgoing, fault.change({ status: answer.statusCode ?? 500, body: bytes }))
  }

  /** Hands a request on and its answer back as it comes, which may take as long as it likes. */
  #forward(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = this.#send(incoming, body, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
        answer.on('end', resolve)
        answer.on('error', reject)
      })
      sent.on('error', reject)
      outgoing.on('close', () => sent.destroy())
    })
  }

  #ask(
    incoming: IncomingMessage,
    body: Buffer,
  ): Promise<{ readonly answer: IncomingMessage; readonly bytes: Buffer }> {
    return new Promise((resolve, reject) => {
      const sent = this.#send(incoming, body, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => resolve({ answer, bytes: Buffer.concat(chunks) }))
        answer.on('error', reject)
      })
      sent.on('error', reject)
    })
  }

  #send(incoming: IncomingMessage, body: Buffer, onAnswer: (answer: IncomingMessage) => void) {
    const { hostname, port } = this.#target
    const headers = { ...incoming.headers, 'content-length': String(body.length) }
    delete (headers as Record<string, unknown>)['transfer-encoding']
    delete (headers as Record<string, unknown>)['expect']
    const { method, url: path } = incoming
    const sent = request({ hostname, port, method, path, headers, agent: false }, onAnswer)
    sent.end(body)
    return sent
  }
}

function reply(outgoing: ServerResponse, { status, headers = {}, body = '' }: FaultAnswer): void {
  const bytes = Buffer.from(body)
  outgoing.writeHead(status, { ...headers, 'content-length': String(bytes.length) })
  outgoing.end(bytes)
}

/** The operation of S3 that a request is. */
function s3Operation(method: string, url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://s3')
  const isObject = pathname.split('/').filter((part) => part !== '').length > 1
  if (searchParams.has('uploads'))
    return method === 'POST' ? 'CreateMultipartUpload' : 'ListMultipartUploads'
  if (searchParams.has('uploadId')) {
    if (method === 'PUT') return 'UploadPart'
    if (method === 'POST') return 'CompleteMultipartUpload'
    return method === 'DELETE' ? 'AbortMultipartUpload' : 'ListParts'
  }
  if (searchParams.has('delete')) return 'DeleteObjects'
  const verb = method[0]! + method.slice(1).toLowerCase()
  if (isObject) return `${verb}Object`
  return method === 'GET' ? 'ListObjectsV2' : `${verb}Bucket`
}

/** What a service that speaks JSON says when it fails. */
export function jsonFailure(name: string, status = 400): FaultAnswer {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ __type: name, message: `${name} of the test` }),
  }
}

/** What S3 says when it fails. */
export function s3Failure(code: string, status: number): FaultAnswer {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code} of the test</Message></Error>`,
  }
}
