import type { CheckpointStorage } from '../runtime/checkpoint/checkpoint-storage.ts'
import { toErrorData } from '../runtime/errors.ts'
import type { FailpointHook } from '../runtime/failpoint.ts'
import type { BuiltJob } from '../runtime/job/job-module.ts'
import type { LaunchedSlots, SlotDeployment, SlotLauncher } from '../runtime/job/slot-launcher.ts'
import type { DeploySettings, LinkMessage, SlotCommand, SlotReport } from '../runtime/messages.ts'
import { KeyedBackend } from '../runtime/state/keyed-backend.ts'
import { Slot } from '../runtime/task/slot.ts'
import type { SlotEnvironment } from '../runtime/task/slot-environment.ts'
import { SimulatedFiles } from './simulated-files.ts'
import { SimulatedStore } from './simulated-store.ts'
import type { SimulatedThread, SimulatedWorld } from './simulated-world.ts'

export interface SimulatedLauncherOptions {
  readonly world: SimulatedWorld
  /** The thread of the coordinator. */
  readonly main: SimulatedThread
  /** Builds the job; every slot does so for itself, as every thread would. */
  readonly build: (settings: DeploySettings) => BuiltJob
  readonly storageOf: (thread: SimulatedThread) => CheckpointStorage
  /** Most records that a subtask takes before the next has its turn; how many it is in a turn the seed decides. */
  readonly maxQuantum: number
  readonly failpoint: FailpointHook
}

interface SimulatedSlots {
  readonly threads: readonly SimulatedThread[]
  onLost: ((slot: number, error: unknown) => void) | undefined
}

/** Runs the slots of an attempt in this thread under a simulated world, with state in memory (R40). */
export class SimulatedLauncher implements SlotLauncher {
  readonly #options: SimulatedLauncherOptions
  #current: SimulatedSlots | undefined

  constructor(options: SimulatedLauncherOptions) {
    this.#options = options
  }

  launch(deployments: readonly SlotDeployment[]): Promise<LaunchedSlots> {
    const { world, main } = this.#options
    const threads = deployments.map(({ settings }) => world.thread(`slot${settings.slot}`))
    const slots: SimulatedSlots = { threads, onLost: undefined }
    this.#current = slots
    const links = this.#crossLinks(threads)
    const heartbeats = deployments.map(() => new Int32Array(2))
    const controls = deployments.map(({ settings }, slot) => {
      const thread = threads[slot]!
      const [left, right] = world.portPair<SlotCommand, SlotReport>(`control${slot}`, main, thread)
      world.enqueue(`start:${thread.name}`, thread, () => {
        this.#start({
          settings,
          thread,
          control: right,
          links: links[slot]!,
          heartbeat: heartbeats[slot]!,
        })
      })
      return left
    })
    return Promise.resolve({
      controls,
      heartbeats,
      onLost: (lost) => {
        slots.onLost = lost
      },
      destroy: () => {
        for (const thread of threads) thread.end()
        return Promise.resolve()
      },
    })
  }

  /** Ends the thread of a slot as its heap limit would; false when no such thread is running. */
  lose(slot: number): boolean {
    const { world, main } = this.#options
    const slots = this.#current
    const thread = slots?.threads[slot]
    if (thread === undefined || thread.isEnded) return false
    thread.end()
    world.enqueue('lost', main, () => slots?.onLost?.(slot, new Error('it was ended by the test')))
    return true
  }

  #start(task: {
    readonly settings: DeploySettings
    readonly thread: SimulatedThread
    readonly control: SlotEnvironment['control']
    readonly links: SlotEnvironment['links']
    readonly heartbeat: Int32Array
  }): void {
    const { world, build, storageOf, failpoint, maxQuantum } = this.#options
    const { settings, thread, control, links, heartbeat } = task
    const storage = storageOf(thread)
    try {
      const { graph, plan } = build(settings)
      void new Slot({
        settings,
        graph,
        structuralHash: plan.structuralHash,
        clock: thread.clock,
        random: world.random,
        control,
        links,
        storage,
        openSnapshot: () => storage,
        createBackend: (context) => {
          const later = (task: () => void): void =>
            world.enqueue(`state:${thread.name}`, thread, task)
          const changeBytes = Math.max(context.cacheBytes / 8, 500)
          return new KeyedBackend(
            { ...context, changeBytes },
            new SimulatedStore(later),
            new SimulatedFiles(later),
          )
        },
        heartbeat,
        // The clock stands still within a turn: with a slice of no length each look ends it, so all is interleaved.
        sliceMs: 0,
        get quantum() {
          return 1 + Math.floor(world.random.next() * maxQuantum)
        },
        roundsPerTurn: 1,
        eagerRestoreBytes: world.random.next() < 0.25 ? Infinity : 0,
        failpoint,
      })
    } catch (error) {
      const { attempt, slot } = settings
      control.post({
        type: 'failed',
        attempt,
        slot,
        error: toErrorData(error),
        operator: undefined,
      })
      control.onMessage((command) => {
        if (command.type === 'cancel') control.post({ type: 'closed', attempt, slot })
      })
    }
  }

  /** A connection between every two slots: `links[a][b]` is a's end of the one to b. */
  #crossLinks(threads: readonly SimulatedThread[]): SlotEnvironment['links'][] {
    const links = threads.map(() => threads.map((): SlotEnvironment['links'][number] => undefined))
    for (let a = 0; a < threads.length; a++) {
      for (let b = a + 1; b < threads.length; b++) {
        const [left, right] = this.#options.world.portPair<LinkMessage, LinkMessage>(
          `link${a}-${b}`,
          threads[a]!,
          threads[b]!,
        )
        links[a]![b] = left
        links[b]![a] = right
      }
    }
    return links
  }
}
