import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { MergedPieces, MergeRequest, SegmentMerger } from '../checkpoint/segment-merger.ts'
import type { SegmentContents } from '../checkpoint/segment-writer.ts'
import { asError, type ErrorData, fromErrorData, RestartableError } from '../errors.ts'
import { workerUrl } from './worker-url.ts'

/** To the thread: one merge. */
export interface MergeTask {
  readonly request: MergeRequest
  readonly port: MessagePort
}

/** To the thread, on the port of a merge: a piece has been taken; nobody wants the rest. */
export type MergeCommand = 'more' | 'stop'

/** From the thread, on the port of a merge. */
export type MergeAnswer =
  | { readonly type: 'piece'; readonly bytes: Uint8Array }
  | { readonly type: 'merged'; readonly contents: SegmentContents }
  | { readonly type: 'failed'; readonly error: ErrorData }

/** The heap of the thread: what it reads and writes is outside. */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 }

/**
 * Merges the segments of a folder in a thread of its own, which is started by the first merge: folding and savepoints hold up
 * neither records nor checkpoints (R29). A merge whose thread ends fails with `MR_CHECKPOINT_FAILED`; the next one starts another.
 */
export class MergeThread implements SegmentMerger {
  readonly #directory: string
  readonly #merges: Set<Merge> = new Set()
  #worker: Worker | undefined

  /** `directory`: that of a lineage. Absolute. */
  constructor(directory: string) {
    this.#directory = directory
  }

  async *merge(request: MergeRequest, signal: AbortSignal): MergedPieces {
    signal.throwIfAborted()
    const worker = (this.#worker ??= this.#start())
    const merge = new Merge(worker, request)
    const stop = (): void => merge.end(asError(signal.reason))
    this.#merges.add(merge)
    signal.addEventListener('abort', stop)
    try {
      for (;;) {
        const answer = await merge.next()
        if (answer.type === 'failed') throw fromErrorData(answer.error)
        if (answer.type === 'merged') return answer.contents
        yield answer.bytes
      }
    } finally {
      signal.removeEventListener('abort', stop)
      this.#merges.delete(merge)
      merge.close()
    }
  }

  /** Ends the thread. No merge may be under way. */
  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(workerUrl('merge-worker', import.meta.url), {
      workerData: { directory: this.#directory },
      resourceLimits: LIMITS,
    })
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => {
      this.#worker = undefined
      for (const merge of this.#merges) merge.end(threadEnded(cause))
    })
    return worker
  }
}

/** The near side of one merge: answers in the order in which they come. */
class Merge {
  readonly #port: MessagePort
  readonly #answers: MergeAnswer[] = []
  #failure: Error | undefined
  #wake = (): void => {}

  constructor(worker: Worker, request: MergeRequest) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    port1.on('message', (answer: MergeAnswer) => {
      this.#answers.push(answer)
      this.#wake()
    })
    worker.postMessage({ request, port: port2 } satisfies MergeTask, [port2])
  }

  async next(): Promise<MergeAnswer> {
    while (this.#answers.length === 0 && this.#failure === undefined) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    if (this.#failure !== undefined) throw this.#failure
    this.#tell('more')
    return this.#answers.shift()!
  }

  /** There will be no more answers, or nobody wants them. */
  end(failure: Error): void {
    this.#failure ??= failure
    this.#wake()
  }

  close(): void {
    this.#tell('stop')
    this.#port.close()
  }

  #tell(command: MergeCommand): void {
    this.#port.postMessage(command, [])
  }
}

function threadEnded(cause: unknown): RestartableError {
  const why = cause instanceof Error ? ` (${cause.message})` : ''
  return new RestartableError(
    'MR_CHECKPOINT_FAILED',
    `The thread that merges files of checkpoints has ended${why}; what it was merging is left as it was, and merged later; if it goes on, look at the memory that the machine has left.`,
    {},
    cause,
  )
}
