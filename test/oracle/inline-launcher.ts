import { MessageChannel } from 'node:worker_threads'
import type { CheckpointStorage } from '../../runtime/checkpoint/checkpoint-storage.ts'
import type { Random } from '../../runtime/clock.ts'
import type { FailpointHook } from '../../runtime/failpoint.ts'
import type { BuiltJob } from '../../runtime/job/job-module.ts'
import type {
  LaunchedSlots,
  SlotDeployment,
  SlotLauncher,
} from '../../runtime/job/slot-launcher.ts'
import type { LinkMessage, SlotCommand, SlotReport } from '../../runtime/messages.ts'
import { Slot } from '../../runtime/task/slot.ts'
import type { SlotEnvironment } from '../../runtime/task/slot-environment.ts'
import { InlineThread } from './inline-thread.ts'
import { type SpillCounts, WatchedBackend, WatchedStore } from './watched-state.ts'

export interface InlineLauncherOptions {
  readonly main: InlineThread
  readonly random: Random
  /** Builds the job; every slot does so for itself, as every thread would. */
  readonly build: () => BuiltJob
  readonly storageOf: (thread: InlineThread) => CheckpointStorage
  readonly failpoint: FailpointHook
  readonly spilled: SpillCounts
  /** Called before each turn of a slot. */
  readonly onTurn: () => void
}

/** Most records that a subtask takes before the next has its turn. */
const MAX_QUANTUM = 32

/** Runs slots in this thread in real time, with state in LevelDB. */
export class InlineLauncher implements SlotLauncher {
  readonly #options: InlineLauncherOptions
  /** Ends what the backends of slots have under way and open. */
  readonly #closers: (() => Promise<void>)[] = []
  #threads: readonly InlineThread[] = []
  #onLost: ((slot: number, error: unknown) => void) | undefined

  constructor(options: InlineLauncherOptions) {
    this.#options = options
  }

  launch(deployments: readonly SlotDeployment[]): Promise<LaunchedSlots> {
    const { main, onTurn } = this.#options
    const threads = deployments.map(() => new InlineThread(onTurn))
    this.#threads = threads
    this.#onLost = undefined
    const links = crossLinks(threads)
    const heartbeats = deployments.map(() => new Int32Array(2))
    const controls = deployments.map((deployment, slot) => {
      const { port1, port2 } = new MessageChannel()
      const control = threads[slot]!.port<SlotReport, SlotCommand>(port2)
      const heartbeat = heartbeats[slot]!
      threads[slot]!.clock.nextTurn(() => {
        this.#start(deployment, threads[slot]!, { control, links: links[slot]!, heartbeat })
      })
      return main.port<SlotCommand, SlotReport>(port1)
    })
    return Promise.resolve({
      controls,
      heartbeats,
      onLost: (lost) => {
        this.#onLost = lost
      },
      destroy: () => this.end(),
    })
  }

  /** Ends the thread of a slot as its heap limit would; false when no such thread is running. */
  lose(slot: number): boolean {
    const thread = this.#threads[slot]
    const onLost = this.#onLost
    if (thread === undefined || thread.isEnded || onLost === undefined) return false
    thread.end()
    this.#options.main.clock.nextTurn(() => onLost(slot, new Error('it was ended by the test')))
    return true
  }

  /** Ends all threads, and closes what they have open outside of JavaScript. */
  async end(): Promise<void> {
    for (const thread of this.#threads) thread.end()
    await Promise.all(this.#closers.map((close) => close()))
  }

  #start(
    { settings }: SlotDeployment,
    thread: InlineThread,
    ports: Pick<SlotEnvironment, 'control' | 'links' | 'heartbeat'>,
  ): void {
    const { build, storageOf, failpoint, random } = this.#options
    const { graph, plan } = build()
    const storage = storageOf(thread)
    void new Slot({
      ...ports,
      settings,
      graph,
      structuralHash: plan.structuralHash,
      clock: thread.clock,
      random,
      storage,
      openSnapshot: () => storage,
      createBackend: (context) => {
        const store = new WatchedStore(context.directory, this.#options.spilled)
        const backend = new WatchedBackend(context, store)
        this.#closers.push(async () => {
          await store.prepared
          await backend.close()
        })
        return backend
      },
      // Short turns, so that much is interleaved.
      sliceMs: 0,
      get quantum() {
        return 1 + Math.floor(random.next() * MAX_QUANTUM)
      },
      roundsPerTurn: 1,
      eagerRestoreBytes: 0,
      failpoint,
    })
  }
}

/** A connection between every two slots: `links[a][b]` is a's end of the one to b. */
function crossLinks(threads: readonly InlineThread[]): SlotEnvironment['links'][] {
  const links = threads.map(() => threads.map((): SlotEnvironment['links'][number] => undefined))
  for (let a = 0; a < threads.length; a++) {
    for (let b = a + 1; b < threads.length; b++) {
      const { port1, port2 } = new MessageChannel()
      links[a]![b] = threads[a]!.port<LinkMessage, LinkMessage>(port1)
      links[b]![a] = threads[b]!.port<LinkMessage, LinkMessage>(port2)
    }
  }
  return links
}
