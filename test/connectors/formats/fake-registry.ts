import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Stored {
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly unknown[]
}

/** What a test makes the registry do instead, once. */
type Fault =
  | { readonly status: number; readonly body: unknown; readonly location?: string }
  | 'reset'
  | 'silence'

const TYPE = 'application/vnd.schemaregistry.v1+json'

/**
 * A schema registry as far as clients see it: its REST interface over real HTTP, with schemas in memory.
 *
 * It answers a request that is not made as the interface wants with 400, and keeps a list of all requests.
 */
export class FakeRegistry {
  url = ''
  readonly requests: string[] = []
  readonly faults: Fault[] = []
  /** The Authorization that requests must have. */
  authorization: string | undefined
  /** The message with which new schemas are refused as incompatible. */
  incompatible: string | undefined
  readonly #schemas = new Map<number, Stored>()
  readonly #subjects = new Map<string, number[]>()
  readonly #server: Server = createServer((request, response) => {
    void this.#answer(request).then((answer) => {
      if (answer === 'reset') request.socket.destroy()
      else if (answer !== 'silence') {
        const { location } = answer
        response.writeHead(answer.status, { 'content-type': TYPE, ...(location && { location }) })
        response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
      }
    })
  })

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry()
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve))
    registry.url = `http://127.0.0.1:${(registry.#server.address() as AddressInfo).port}`
    return registry
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  /** Adds a version of a subject; the id is returned. */
  add(subject: string, schema: unknown, more: Omit<Stored, 'schema'> = {}, id?: number): number {
    const text = typeof schema === 'string' ? schema : JSON.stringify(schema)
    const given = id ?? this.#schemas.size + 1
    this.#schemas.set(given, { schema: text, ...more })
    this.#subjects.set(subject, [...(this.#subjects.get(subject) ?? []), given])
    return given
  }

  async #answer(request: IncomingMessage): Promise<Fault> {
    const { method, url = '', headers } = request
    this.requests.push(`${method} ${url}`)
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const fault = this.faults.shift()
    if (fault !== undefined) return fault
    if (headers.accept !== TYPE) return refusal(400, 400, `accept is ${headers.accept}`)
    if (headers.authorization !== this.authorization) return refusal(401, 401, 'Unauthorized')
    const path = url.split('/').slice(1).map(decodeURIComponent)
    if (method === 'POST') {
      if (headers['content-type'] !== TYPE) return refusal(400, 400, 'content-type')
      return this.#post(path, JSON.parse(text) as Stored)
    }
    return this.#get(path)
  }

  #get([kind, name, versions, which]: readonly string[]): Fault {
    if (kind === 'schemas' && name === 'ids') {
      const stored = this.#schemas.get(Number(versions))
      return stored === undefined
        ? refusal(404, 40_403, 'Schema not found')
        : { status: 200, body: stored }
    }
    const ids = this.#subjects.get(name!)
    if (kind !== 'subjects' || versions !== 'versions')
      return refusal(404, 404, 'HTTP 404 Not Found')
    if (ids === undefined) return refusal(404, 40_401, `Subject '${name}' not found.`)
    const id = which === 'latest' ? ids.at(-1) : ids[Number(which) - 1]
    if (id === undefined) return refusal(404, 40_402, 'Version not found.')
    return { status: 200, body: { subject: name, id, ...this.#schemas.get(id)! } }
  }

  #post([kind, subject, versions]: readonly string[], body: Stored): Fault {
    if (kind !== 'subjects' || typeof body.schema !== 'string')
      return refusal(422, 42_201, 'Invalid schema')
    const ids = this.#subjects.get(subject!) ?? []
    const same = ids.find((id) => this.#schemas.get(id)?.schema === body.schema)
    if (same !== undefined) return { status: 200, body: { subject, id: same, schema: body.schema } }
    if (versions === undefined) return refusal(404, 40_403, 'Schema not found')
    if (this.incompatible !== undefined) return refusal(409, 409, this.incompatible)
    return { status: 200, body: { id: this.add(subject!, body.schema, body) } }
  }
}

function refusal(status: number, errorCode: number, message: string): Fault {
  return { status, body: { error_code: errorCode, message } }
}
