import { type Random, SystemClock } from '../../runtime/clock.ts'
import type { Call } from './faults.ts'

/** Turns of the event loop in which nothing happens, after which someone is taken to wait for nothing. */
const MOST_IDLE_TURNS = 1_000

/** How long a server may take for an answer. */
const MOST_SERVER_MS = 20_000

/** Slow calls: each waits until it is let through, one at a time, in a random order. */
export class Turnstile {
  readonly #random: Random
  readonly #waiting: (() => void)[] = []
  readonly #stuck: (() => void)[] = []
  #isFree = false

  constructor(random: Random) {
    this.#random = random
  }

  /** For the `pace` of faults; calls for which `isStuck` says so wait until `free`. */
  pace(isStuck: (call: Call) => boolean = () => false): (call: Call) => Promise<void> {
    return (call) =>
      new Promise((resolve) => {
        const isHeld = isStuck(call) && !this.#isFree
        ;(isHeld ? this.#stuck : this.#waiting).push(resolve)
      })
  }

  /** Nothing is stuck any more. */
  free(): void {
    this.#isFree = true
    this.#waiting.push(...this.#stuck.splice(0))
  }

  /** Lets calls through until the work is done; fails where none waits and it is not. */
  until<T>(work: Promise<T>): Promise<T> {
    return settled(work, () => {
      const at = Math.floor(this.#random.next() * this.#waiting.length)
      const [next] = this.#waiting.splice(at, 1)
      next?.()
      return next !== undefined
    })
  }
}

/** What the work comes to; fails where it comes to nothing: nothing happens any more, and `help` does nothing for it. */
export async function settled<T>(work: Promise<T>, help: () => boolean = () => false): Promise<T> {
  let isDone = false
  const done = (): void => {
    isDone = true
  }
  work.then(done, done)
  const clock = new SystemClock()
  let busyAt = clock.elapsed()
  for (let idle = 0; !isDone; idle++) {
    await new Promise<void>((resolve) => clock.nextTurn(resolve))
    if (help() || isFilePending()) idle = 0
    if (idle === 0) busyAt = clock.elapsed()
    if (idle <= MOST_IDLE_TURNS) continue
    const isOver = !isConnected() || clock.elapsed() - busyAt > MOST_SERVER_MS
    if (isOver) throw new Error('it hangs')
  }
  return work
}

function isFilePending(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^(FSReq|CloseReq)/.test(name))
}

/** A connection may be idle, too. */
function isConnected(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('TCP'))
}
