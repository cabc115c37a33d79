import type { Port } from '../runtime/channel/port.ts'
import { type Cancel, type Clock, SeededRandom, SystemClock } from '../runtime/clock.ts'
import { ManualClock } from './manual-clock.ts'
import { type PortEnd, portPair } from './port-pair.ts'

type Task = () => void

/** Virtual time that passes with each turn of an event loop, so that time goes on while records flow. */
const TURN_MS = 1

/** Real time without anything to do, after which the job is taken to be stuck: a disk may be slow. */
const PATIENCE_MS = 10_000

interface Timer {
  readonly at: number
  readonly order: number
  readonly thread: SimulatedThread
  readonly task: Task
  isCancelled: boolean
}

/**
 * One thread that stands for many: a seeded scheduler picks what happens next among all turns, messages, completions
 * and due timers (R40). Same seed, same order of everything.
 *
 * Each queue is first in, first out, as a real port or a real event loop is; between queues the seed decides. Time is
 * virtual: it moves with each turn, and jumps to the next timer where nothing else can happen.
 */
export class SimulatedWorld {
  readonly random: SeededRandom
  /** What was done, in order, as short names; equal for equal seeds. */
  readonly trace: string[] = []
  readonly #queues: Map<string, Task[]> = new Map()
  /** Names of queues that hold a task, sorted, so that the choice does not depend on who came first. */
  #ready: string[] = []
  readonly #timers: Set<Timer> = new Set()
  readonly #threads: Set<SimulatedThread> = new Set()
  readonly #system: SystemClock = new SystemClock()
  readonly #clock: ManualClock
  #order = 0
  #steps = 0

  /** Virtual time is that of the clock, which the world moves on; what others have scheduled there happens as well. */
  constructor(seed: number, clock: ManualClock = new ManualClock()) {
    this.random = new SeededRandom(seed)
    this.#clock = clock
  }

  /** Virtual time in ms since the epoch. */
  get now(): number {
    return this.#clock.now()
  }

  /** Virtual time as a stopwatch shows it. */
  get elapsed(): number {
    return this.#clock.elapsed()
  }

  /** Tasks that were run so far. */
  get steps(): number {
    return this.#steps
  }

  /** A thread: its clock, its turns and what is sent to it come to an end together. */
  thread(name: string): SimulatedThread {
    const thread = new SimulatedThread(name, this)
    this.#threads.add(thread)
    return thread
  }

  /** The process is gone: nothing that waits will ever happen, in any thread. */
  crash(): void {
    for (const thread of this.#threads) thread.end()
    this.#threads.clear()
    this.#queues.clear()
    this.#ready = []
    this.#timers.clear()
  }

  /** Puts a task at the end of a queue; it is dropped when its thread has ended by then. */
  enqueue(queue: string, thread: SimulatedThread, task: Task): void {
    if (thread.isEnded) return
    const run = (): void => {
      if (!thread.isEnded) task()
    }
    const tasks = this.#queues.get(queue)
    if (tasks !== undefined) {
      tasks.push(run)
      return
    }
    this.#queues.set(queue, [run])
    let at = this.#ready.length
    while (at > 0 && this.#ready[at - 1]! > queue) at--
    this.#ready.splice(at, 0, queue)
  }

  /** Calls back in virtual time. */
  schedule(thread: SimulatedThread, delayMs: number, task: Task): Cancel {
    const at = this.elapsed + Math.max(0, delayMs)
    const timer: Timer = { at, order: this.#order++, thread, task, isCancelled: false }
    if (!thread.isEnded) this.#timers.add(timer)
    return () => {
      timer.isCancelled = true
      this.#timers.delete(timer)
    }
  }

  /** Time passes: called with each turn of an event loop. */
  pass(): void {
    this.#advance(TURN_MS)
  }

  #advance(ms: number): void {
    this.#clock.advance(ms)
    this.#clock.runTurn()
    const due = [...this.#timers].filter((timer) => timer.at <= this.elapsed)
    for (const timer of due.sort(byTime)) this.#queue(timer)
  }

  /**
   * Runs until `isDone`, letting promises settle after each step. Without anything to do it waits for the real world
   * (files of sources and sinks), at most so many ms in a row; false when that has not helped.
   */
  async run(isDone: () => boolean, patienceMs: number = PATIENCE_MS): Promise<boolean> {
    let idleSince: number | undefined
    while (!isDone()) {
      if (this.#step()) idleSince = undefined
      else {
        const now = this.#system.elapsed()
        idleSince ??= now
        if (now - idleSince > patienceMs) return false
      }
      await new Promise<void>((resolve) => this.#system.nextTurn(resolve))
    }
    return true
  }

  #step(): boolean {
    if (this.#ready.length === 0) return this.#jump()
    const index = Math.floor(this.random.next() * this.#ready.length)
    const name = this.#ready[index]!
    const tasks = this.#queues.get(name)!
    const task = tasks.shift()!
    if (tasks.length === 0) {
      this.#queues.delete(name)
      this.#ready.splice(index, 1)
    }
    this.#steps++
    this.trace.push(name)
    task()
    return true
  }

  /** Nothing is ready: time goes on to the next timer, but not past a file operation that has not answered yet. */
  #jump(): boolean {
    let next = this.#clock.pendingTurns > 0 ? 0 : (this.#clock.nextDelay ?? Infinity)
    for (const { at } of this.#timers) next = Math.min(next, at - this.elapsed)
    if (next === Infinity || isFilePending()) return false
    this.#advance(Math.max(0, next))
    return true
  }

  #queue(timer: Timer): void {
    this.#timers.delete(timer)
    this.enqueue(`timers:${timer.thread.name}`, timer.thread, () => {
      if (!timer.isCancelled) timer.task()
    })
  }

  /** Two ends of a connection between two threads; each direction is a queue of its own. */
  portPair<A, B>(
    name: string,
    left: SimulatedThread,
    right: SimulatedThread,
  ): [Port<A, B>, Port<B, A>] {
    return portPair(this.#end(`port:${name}<`, left), this.#end(`port:${name}>`, right))
  }

  #end(queue: string, thread: SimulatedThread): PortEnd {
    return {
      enqueue: (deliver) => this.enqueue(queue, thread, deliver),
      get isEnded() {
        return thread.isEnded
      },
    }
  }
}

/** Whether a file operation that this thread has begun is still going on; 20 µs. */
function isFilePending(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^(FSReq|CloseReq)/.test(name))
}

function byTime(a: Timer, b: Timer): number {
  return a.at - b.at || a.order - b.order
}

/** One event loop of the simulated process: a worker thread, or the main thread. */
export class SimulatedThread {
  readonly name: string
  readonly clock: Clock
  #isEnded = false

  constructor(name: string, world: SimulatedWorld) {
    this.name = name
    this.clock = {
      now: () => world.now,
      elapsed: () => world.elapsed,
      schedule: (delayMs, task) => world.schedule(this, delayMs, task),
      nextTurn: (task) => {
        world.enqueue(`turn:${name}`, this, () => {
          world.pass()
          task()
        })
      },
    }
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Terminated: nothing of it happens any more, and nothing it sends arrives. */
  end(): void {
    this.#isEnded = true
  }
}
