import { randomBytes, timingSafeEqual } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { SavepointSummary } from '../checkpoint/checkpoint-summary.ts'
import { StreamError, toErrorData } from '../errors.ts'
import {
  CONTROL_FILE,
  CONTROL_TYPE,
  type ControlCommand,
  type ControlLine,
} from './control-protocol.ts'
import { http } from './node-http.ts'
import type { SavepointProgress } from './savepoints.ts'

/** A command is a path and a switch. */
const MAX_BODY_BYTES = 64 * 1_024

/** Does what a command says; resolves with the answer, and tells how far it has come. */
export type ControlHandler = (
  command: ControlCommand,
  onProgress: (progress: SavepointProgress) => void,
) => Promise<SavepointSummary>

/** Takes the commands of other processes for a run, and answers each when it is done. */
export class ControlServer {
  readonly #path: string
  readonly #token: string = randomBytes(32).toString('hex')
  readonly #handle: ControlHandler
  readonly #server: Server
  readonly #answering: Set<Promise<void>> = new Set()
  #isWithdrawn = false

  private constructor(directory: string, handle: ControlHandler) {
    this.#path = join(directory, CONTROL_FILE)
    this.#handle = handle
    this.#server = http.createServer((request, response) => {
      const answering = this.#answer(request, response)
        // The caller has gone: nobody is there to be told.
        .catch(() => void response.destroy())
        .finally(() => this.#answering.delete(answering))
      this.#answering.add(answering)
    })
  }

  /** Listens on the loopback, and writes into the job's folder where. The folder is locked by this process (R4). */
  static async open(directory: string, handle: ControlHandler): Promise<ControlServer> {
    const server = new ControlServer(directory, handle)
    try {
      await server.#listen()
    } catch (error) {
      server.#server.close()
      throw error
    }
    return server
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', resolve)
    })
    this.#server.unref()
    const { port } = this.#server.address() as AddressInfo
    const address = { port, token: this.#token, pid: process.pid }
    // Under another name first, so that nobody reads half of it.
    const aside = `${this.#path}.new`
    await writeFile(aside, `${JSON.stringify(address)}\n`, { mode: 0o600 })
    await rename(aside, this.#path)
  }

  /** Takes no more commands. Called while the folder is still locked: the file of the next run stays. */
  async withdraw(): Promise<void> {
    this.#isWithdrawn = true
    await rm(this.#path, { force: true })
  }

  /** Ends when everyone has been answered. */
  async close(): Promise<void> {
    while (this.#answering.size > 0) await Promise.allSettled(this.#answering)
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const verb = request.method === 'POST' ? (request.url ?? '').slice(1) : ''
    if (!this.#isAllowed(request) || this.#isWithdrawn) return end(response, 403)
    if (verb !== 'savepoint' && verb !== 'stop') return end(response, 404)
    const command = decodeCommand(verb, await bodyOf(request))
    if (command === undefined) return end(response, 400)
    response.writeHead(200, { 'content-type': CONTROL_TYPE, connection: 'close' })
    response.flushHeaders()
    const tell = (line: ControlLine): void => void response.write(`${JSON.stringify(line)}\n`)
    try {
      const savepoint = await this.#handle(command, (progress) => {
        tell({ type: 'progress', progress })
      })
      tell({ type: 'done', savepoint })
    } catch (error) {
      tell({ type: 'failed', error: toErrorData(error) })
    }
    await finish(response)
  }

  #isAllowed(request: IncomingMessage): boolean {
    const given = Buffer.from(request.headers.authorization ?? '')
    const wanted = Buffer.from(`Bearer ${this.#token}`)
    return given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted)
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk as string
    if (body.length > MAX_BODY_BYTES) return ''
  }
  return body
}

function decodeCommand(verb: 'savepoint' | 'stop', body: string): ControlCommand | undefined {
  try {
    const { path, drain } = JSON.parse(body) as { path?: unknown; drain?: unknown }
    if (path !== undefined && typeof path !== 'string') return undefined
    return verb === 'stop' ? { verb, path, drain: drain === true } : { verb, path }
  } catch {
    return undefined
  }
}

function end(response: ServerResponse, status: number): Promise<void> {
  response.writeHead(status, { connection: 'close' })
  return finish(response)
}

/** Resolves when all is on its way, or nobody is there any more. */
function finish(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.end(resolve)
  })
}

/** The stop that was asked for comes too late, or twice. */
export function alreadyStopping(): StreamError {
  return new StreamError(
    'MR_JOB_STOPPING',
    'The job is being stopped already, so it cannot be stopped in another way; wait for it to end; from its last checkpoint it can then be started with --from.',
  )
}
