import type { MessagePort } from 'node:worker_threads'
import type { Port } from '../../runtime/channel/port.ts'
import { type Cancel, type Clock, SystemClock } from '../../runtime/clock.ts'
import { threadPort } from '../../runtime/job/thread-port.ts'

/**
 * What is one thread of a real job, run in this one, in real time: its timers, turns and messages, which end together.
 *
 * Code of an ended thread that is still on the stack goes on to its next wait, but nothing that it begins or sends has an
 * effect any more.
 */
export class InlineThread {
  readonly clock: Clock
  readonly #closers: Set<() => void> = new Set()
  #isEnded = false

  /** `onTurn` is called before each turn. */
  constructor(onTurn: () => void = () => {}) {
    const system = new SystemClock()
    this.clock = {
      now: () => system.now(),
      elapsed: () => system.elapsed(),
      schedule: (delayMs, task) => this.#schedule(system, delayMs, task),
      nextTurn: (task) => {
        system.nextTurn(() => {
          if (this.#isEnded) return
          onTurn()
          // The turn may have been the one in which it ends.
          if (!this.#isEnded) task()
        })
      },
    }
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  end(): void {
    this.#isEnded = true
    for (const close of this.#closers) close()
    this.#closers.clear()
  }

  /** This thread's end of a connection. */
  port<Out, In>(messages: MessagePort): Port<Out, In> {
    const port = threadPort<Out, In>(messages)
    const close = (): void => port.close()
    this.#closers.add(close)
    return {
      post: (message, transfer) => {
        if (!this.#isEnded) port.post(message, transfer)
      },
      onMessage: (receive) => {
        port.onMessage((message) => {
          if (!this.#isEnded) receive(message)
        })
      },
      close,
    }
  }

  #schedule(system: SystemClock, delayMs: number, task: () => void): Cancel {
    if (this.#isEnded) return () => {}
    const cancelTimer = system.schedule(delayMs, () => {
      this.#closers.delete(cancelTimer)
      task()
    })
    this.#closers.add(cancelTimer)
    return () => {
      this.#closers.delete(cancelTimer)
      cancelTimer()
    }
  }
}
