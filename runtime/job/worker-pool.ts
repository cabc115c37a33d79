import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { SlotCommand, SlotReport } from '../messages.ts'
import type { LaunchedSlots, SlotDeployment, SlotLauncher } from './slot-launcher.ts'
import { threadPort } from './thread-port.ts'
import type { WorkerTask } from './worker-task.ts'
import { workerUrl } from './worker-url.ts'

export interface WorkerPoolOptions {
  readonly jobUrl: string
  readonly params: Readonly<Record<string, unknown>>
  readonly checkpointDirectory: string
  readonly epoch: number
  readonly usesS3: boolean
  /** Heap limits of a worker thread, for old and for young objects (N15). */
  readonly heapMb: number
  readonly youngHeapMb: number
}

/**
 * Starts slots as worker threads of a Piscina pool: one pool an attempt, one long-lived task a thread (N9).
 *
 * A pool is destroyed before the next attempt starts, since reused threads would keep the module state and live timers of
 * the earlier one.
 */
export class WorkerPool implements SlotLauncher {
  readonly #options: WorkerPoolOptions

  constructor(options: WorkerPoolOptions) {
    this.#options = options
  }

  async launch(deployments: readonly SlotDeployment[]): Promise<LaunchedSlots> {
    const { heapMb, youngHeapMb } = this.#options
    beginWithLargeHeaps(heapMb)
    const pool = new Piscina({
      filename: workerUrl('worker', import.meta.url).href,
      minThreads: deployments.length,
      maxThreads: deployments.length,
      // The default blocks an idle thread in Atomics.wait, and with it the loop of the slot (N9).
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: youngHeapMb },
    })
    const threads = new Set(pool.threads)
    const links = crossLinks(deployments.length)
    const lost: { slot: number; error: unknown }[] = []
    let onLost: ((slot: number, error: unknown) => void) | undefined
    let isDestroyed = false
    const tell = (slot: number, error: unknown): void => {
      if (isDestroyed) return
      if (onLost === undefined) lost.push({ slot, error })
      else onLost(slot, error)
    }
    // Worker errors reach the tasks; an error event without a listener would end the process.
    pool.on('error', () => {})
    const controls: MessagePort[] = []
    const heartbeats: Int32Array[] = []
    for (const [slot, { settings }] of deployments.entries()) {
      const channel = new MessageChannel()
      const heartbeat = new SharedArrayBuffer(8)
      controls.push(channel.port1)
      heartbeats.push(new Int32Array(heartbeat))
      const task: WorkerTask = {
        settings,
        jobUrl: this.#options.jobUrl,
        params: this.#options.params,
        control: channel.port2,
        links: links[slot]!,
        heartbeat,
        checkpointDirectory: this.#options.checkpointDirectory,
        epoch: this.#options.epoch,
        usesS3: this.#options.usesS3,
      }
      const transferList = [channel.port2, ...links[slot]!.filter((port) => port !== undefined)]
      // A task that ends by itself has been told to, and has said so on its control port.
      pool.run(task, { transferList }).catch((error: unknown) => tell(slot, error))
    }
    return {
      controls: controls.map((port) => threadPort<SlotCommand, SlotReport>(port)),
      heartbeats,
      pulses: true,
      onLost(callback) {
        onLost = callback
        for (const { slot, error } of lost.splice(0)) callback(slot, error)
      },
      async destroy() {
        isDestroyed = true
        // A thread that has failed is no longer in the pool, but may still be on its way out.
        for (const thread of pool.threads) threads.add(thread)
        const ended = [...threads].map(hasEnded)
        await pool.destroy()
        await Promise.all(ended)
        for (const port of controls) port.close()
        for (const { settings } of deployments) {
          await rm(settings.workDirectory, { recursive: true, force: true })
        }
      },
    }
  }
}

/**
 * Lets the heaps of threads that are started from now on grow to half of what they may have before they are marked for the first
 * time: V8 would begin with a few megabytes and mark all of a growing state again and again. Of the whole process, as nothing less
 * can be told (N15).
 */
function beginWithLargeHeaps(heapMb: number): void {
  setFlagsFromString(`--initial-old-space-size=${Math.floor(heapMb)}`)
}

/** Resolves when a thread has ended; at once if it has. */
async function hasEnded(thread: Worker): Promise<void> {
  if (thread.threadId !== -1) await once(thread, 'exit')
}

/** A port pair between every two slots: `links[a][b]` is a's end of the connection to b. */
function crossLinks(slots: number): (MessagePort | undefined)[][] {
  const links: (MessagePort | undefined)[][] = Array.from({ length: slots }, () =>
    Array.from({ length: slots }, () => undefined),
  )
  for (let a = 0; a < slots; a++) {
    for (let b = a + 1; b < slots; b++) {
      const { port1, port2 } = new MessageChannel()
      links[a]![b] = port1
      links[b]![a] = port2
    }
  }
  return links
}
