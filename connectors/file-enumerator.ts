import type { EnumeratorContext, SplitEnumerator } from '../runtime/source.ts'
import { listFiles } from './file-listing.ts'
import { type FileIdentity, type FileSplit, newSplit } from './file-split.ts'

/** State of the enumerator: the listing, taken once (R31), and whether its files have been handed out. */
export interface FileEnumeratorState {
  /** Null while the listing is being taken. */
  readonly files: readonly FileIdentity[] | null
  readonly isAssigned: boolean
}

/** Lists the files of a path once and assigns all of them at the start (R11). */
export class FileEnumerator implements SplitEnumerator<FileEnumeratorState> {
  readonly #path: string
  readonly #context: EnumeratorContext<FileSplit>
  #state: FileEnumeratorState | undefined

  constructor(
    path: string,
    context: EnumeratorContext<FileSplit>,
    restored: FileEnumeratorState | undefined,
  ) {
    this.#path = path
    this.#context = context
    this.#state = restored
  }

  async start(): Promise<void> {
    const files = this.#state?.files ?? (await listFiles(this.#path))
    const { parallelism } = this.#context
    if (this.#state?.isAssigned !== true) {
      const parts = balance(files, parallelism)
      parts.forEach((part, subtask) => {
        const splits = part.map((file) => newSplit(file, files.length))
        if (splits.length > 0) this.#context.assignSplits(subtask, splits)
      })
    }
    this.#state = { files, isAssigned: true }
    for (let subtask = 0; subtask < parallelism; subtask++) {
      this.#context.signalNoMoreSplits(subtask)
    }
  }

  snapshotState(): FileEnumeratorState {
    return this.#state ?? { files: null, isAssigned: false }
  }
}

/**
 * Deals files out so that all subtasks have about the same number of bytes: the largest first, each to the one that has
 * least so far. Each part keeps the order of the paths. The same for the same input.
 */
export function balance(
  files: readonly FileIdentity[],
  parallelism: number,
): readonly (readonly FileIdentity[])[] {
  const parts = Array.from({ length: parallelism }, () => ({ bytes: 0, files: [] as number[] }))
  const order = files.map((_, i) => i)
  const sizeOf = (i: number) => (files[i] as FileIdentity).size
  order.sort((a, b) => sizeOf(b) - sizeOf(a) || a - b)
  for (const i of order) {
    const least = parts.reduce((best, part) => (part.bytes < best.bytes ? part : best))
    // An empty file counts as one byte, so that many of them are spread too.
    least.bytes += Math.max(1, sizeOf(i))
    least.files.push(i)
  }
  return parts.map((part) => part.files.sort((a, b) => a - b).map((i) => files[i] as FileIdentity))
}
