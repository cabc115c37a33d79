import type { Port } from '../runtime/channel/port.ts'

/** One side of a connection: who posts there, and how what is sent to it gets its turn. */
export interface PortEnd {
  /** Puts the delivery of a message behind those before it. */
  enqueue(deliver: () => void): void
  /** Nothing that is posted there is sent any more. */
  readonly isEnded: boolean
}

/** Two ends of a connection within this thread; messages are cloned, and their buffers moved, as between threads. */
export function portPair<A, B>(left: PortEnd, right: PortEnd): [Port<A, B>, Port<B, A>] {
  const toLeft = new Receiver<B>()
  const toRight = new Receiver<A>()
  return [portOf(left, right, toLeft, toRight), portOf(right, left, toRight, toLeft)]
}

function portOf<Out, In>(
  from: PortEnd,
  to: PortEnd,
  inbox: Receiver<In>,
  outbox: Receiver<Out>,
): Port<Out, In> {
  let isClosed = false
  return {
    post: (message, transfer) => {
      if (isClosed || from.isEnded) return
      const copy = structuredClone(message, { transfer: [...(transfer ?? [])] })
      to.enqueue(() => outbox.receive(copy))
    },
    onMessage: (receive) => inbox.listen(receive),
    close: () => {
      isClosed = true
    },
  }
}

/** Keeps what arrives before anybody listens. */
class Receiver<In> {
  #listener: ((message: In) => void) | undefined
  readonly #waiting: In[] = []

  listen(listener: (message: In) => void): void {
    this.#listener = listener
    for (const message of this.#waiting.splice(0)) listener(message)
  }

  receive(message: In): void {
    if (this.#listener === undefined) this.#waiting.push(message)
    else this.#listener(message)
  }
}
