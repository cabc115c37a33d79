import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'

/** Requests by their number in the protocol. */
export const API = {
  produce: 0,
  findCoordinator: 10,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const

/** Where a connection is cut: the request never arrives, arrives with nobody to answer, or is answered to nobody. */
export type CutAt = 'before' | 'sent' | 'answered'

export interface Cut {
  readonly api: number
  /** The how-manieth request of that kind, from 1. */
  readonly nth: number
  readonly at: CutAt
  /** Called when it happens. */
  readonly onCut?: () => void
}

/** Size of the length before each frame. */
const LENGTH = 4

/**
 * A proxy in front of a broker that cuts a connection at a request of choice. The broker must advertise the port of the proxy
 * (`advertised.listeners`), or clients go past it.
 */
export class CuttingProxy {
  readonly port: number
  readonly #server: Server
  readonly #sockets: Set<Socket> = new Set()
  #target = 0
  #cut: Cut | undefined
  #seen = 0
  /** Milliseconds that each answer of the broker takes more. */
  delayMs = 0
  /** How many requests of each kind have come. */
  readonly requests: Map<number, number> = new Map()
  connections = 0

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    server.on('connection', (client) => this.#connected(client))
  }

  static async start(): Promise<CuttingProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new CuttingProxy(server, (server.address() as { port: number }).port)
  }

  /** To the port of the broker. */
  forwardTo(port: number): void {
    this.#target = port
  }

  /** Arms one cut; `hasHit` tells whether it has happened. */
  arm(cut: Cut): void {
    this.#cut = cut
    this.#seen = 0
  }

  get hasHit(): boolean {
    return this.#cut === undefined
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #connected(client: Socket): void {
    this.connections++
    const broker = connect(this.#target, '127.0.0.1')
    const cutOff = (): void => {
      client.destroy()
      broker.destroy()
      this.#sockets.delete(client)
    }
    this.#sockets.add(client)
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      socket.on('error', cutOff)
      socket.on('close', cutOff)
    }
    /** The answer to this request is not passed on. */
    let doomed: { readonly correlationId: number; readonly cut: Cut } | undefined
    onFrames(client, (frame) => {
      const cut = this.#cutAt(frame)
      if (cut?.at === 'before') return this.#fall(cut, cutOff)
      if (cut?.at === 'answered') doomed = { correlationId: frame.readInt32BE(LENGTH + 4), cut }
      broker.write(frame)
      if (cut?.at === 'sent') broker.end(() => this.#fall(cut, cutOff))
    })
    onFrames(broker, (frame) => {
      if (frame.readInt32BE(LENGTH) === doomed?.correlationId) return this.#fall(doomed.cut, cutOff)
      if (this.delayMs === 0) client.write(frame)
      else setTimeout(() => client.destroyed || client.write(frame), this.delayMs)
    })
  }

  #fall(cut: Cut, cutOff: () => void): void {
    cutOff()
    cut.onCut?.()
  }

  #cutAt(frame: Buffer): Cut | undefined {
    const api = frame.readInt16BE(LENGTH)
    this.requests.set(api, (this.requests.get(api) ?? 0) + 1)
    const cut = this.#cut
    if (cut === undefined || cut.api !== api || ++this.#seen < cut.nth) return undefined
    this.#cut = undefined
    return cut
  }
}

/** Calls `take` with each whole frame, its length included. */
function onFrames(socket: Socket, take: (frame: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data])
    while (rest.length >= LENGTH) {
      const size = LENGTH + rest.readInt32BE(0)
      if (rest.length < size) return
      const frame = rest.subarray(0, size)
      rest = rest.subarray(size)
      take(frame)
      if (socket.destroyed) return
    }
  })
}
