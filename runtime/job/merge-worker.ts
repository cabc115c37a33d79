import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { LocalMerger, type MergeRequest } from '../checkpoint/segment-merger.ts'
import { SystemClock } from '../clock.ts'
import { invariant, toErrorData } from '../errors.ts'
import type { MergeAnswer, MergeCommand, MergeTask } from './merge-thread.ts'
import { openWorkerFiles } from './worker-storage.ts'

/* Entry of the thread that merges segments; it ends by being terminated. */

/** Pieces of 64 KiB that are ready before the first of them has been written. */
const AHEAD = 4

const port = parentPort
invariant(port !== null, 'segments are merged in a thread of its own')
const { directory } = workerData as { readonly directory: string }
const merger = new LocalMerger(await openWorkerFiles(directory), new SystemClock())

port.on('message', (task: MergeTask) => void merge(task.request, task.port))

async function merge(request: MergeRequest, to: MessagePort): Promise<void> {
  const controller = new AbortController()
  let ahead = 0
  let wake = (): void => {}
  to.on('message', (command: MergeCommand) => {
    if (command === 'more') ahead--
    else controller.abort()
    wake()
  })
  try {
    const pieces = merger.merge(request, controller.signal)
    let next = await pieces.next()
    while (next.done !== true) {
      const bytes = whole(next.value)
      answer(to, { type: 'piece', bytes }, [bytes.buffer])
      ahead++
      while (ahead >= AHEAD && !controller.signal.aborted) {
        await new Promise<void>((resolve) => (wake = resolve))
      }
      next = await pieces.next()
    }
    answer(to, { type: 'merged', contents: next.value })
  } catch (error) {
    answer(to, { type: 'failed', error: toErrorData(error) })
  }
  // Closed by the other side, which has read all of it then.
}

/** Bytes whose memory holds nothing else, so that it may be given away. */
function whole(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength
  return isAlone ? new Uint8Array(buffer) : new Uint8Array(bytes)
}

function answer(to: MessagePort, message: MergeAnswer, transfer: ArrayBuffer[] = []): void {
  to.postMessage(message, transfer)
}
