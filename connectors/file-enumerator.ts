import type { Cancel } from '../runtime/clock.ts'
import { thrownText } from '../runtime/errors.ts'
import type { EnumeratorContext, SplitEnumerator } from '../runtime/source.ts'
import { emptyInput } from './file-errors.ts'
import { listFiles } from './file-listing.ts'
import { type FileIdentity, type FileSplit, newSplit } from './file-split.ts'
import { GLOB_CHARACTERS, type InputFiles } from './input-files.ts'

/** State of the enumerator: what has been found (R31), and whether it has been handed out. */
export interface FileEnumeratorState {
  /** Null while the listing is being taken. */
  readonly files: readonly FileIdentity[] | null
  readonly isAssigned: boolean
}

/** What an enumerator does, from `fileSource()`. */
export interface FileEnumeratorOptions {
  readonly path: string
  /** Closed by the enumerator. */
  readonly files: InputFiles
  /** Between two looks for new files; 0: the first look is the last. */
  readonly discoveryIntervalMs: number
}

/** Lists the files of a path and assigns all of them at the start (R11), and those that come later when it finds them. */
export class FileEnumerator implements SplitEnumerator<FileEnumeratorState> {
  readonly #options: FileEnumeratorOptions
  readonly #context: EnumeratorContext<FileSplit>
  #state: FileEnumeratorState | undefined
  readonly #known: Set<string> = new Set()
  #cancel: Cancel | undefined
  #isClosed = false
  #hasFailedToLook = false

  constructor(
    options: FileEnumeratorOptions,
    context: EnumeratorContext<FileSplit>,
    restored: FileEnumeratorState | undefined,
  ) {
    this.#options = options
    this.#context = context
    this.#state = restored
  }

  async start(): Promise<void> {
    const { path, files, discoveryIntervalMs } = this.#options
    const isEndless = discoveryIntervalMs > 0
    let listed = this.#state?.files ?? undefined
    if (listed === undefined) {
      listed = await listFiles(files, path)
      if (listed.length === 0 && !isEndless) {
        const isGlob = GLOB_CHARACTERS.test(path)
        throw emptyInput(path, isGlob ? 'matches no file' : 'is a folder without files')
      }
    }
    if (this.#state?.isAssigned === true) {
      for (const file of listed) this.#known.add(file.path)
      this.#state = { files: listed, isAssigned: true }
    } else {
      this.#assign(listed)
    }
    if (isEndless) return this.#scheduleLook()
    for (let subtask = 0; subtask < this.#context.parallelism; subtask++) {
      this.#context.signalNoMoreSplits(subtask)
    }
  }

  snapshotState(): FileEnumeratorState {
    return this.#state ?? { files: null, isAssigned: false }
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#options.files.close()
  }

  #assign(found: readonly FileIdentity[]): void {
    const { parallelism } = this.#context
    const before = this.#state?.files ?? []
    const all = [...before, ...found]
    const isEndless = this.#options.discoveryIntervalMs > 0
    // Later ones follow in turn: the subtask that has the most of one look has the fewest of the next.
    balance(found, parallelism).forEach((part, i) => {
      const splits = part.map((file) => newSplit(file, isEndless ? parallelism : all.length))
      const subtask = (i + before.length) % parallelism
      if (splits.length > 0) this.#context.assignSplits(subtask, splits)
    })
    for (const { path } of found) this.#known.add(path)
    this.#state = { files: all, isAssigned: true }
  }

  #scheduleLook(): void {
    if (this.#isClosed) return
    this.#cancel = this.#context.clock.schedule(this.#options.discoveryIntervalMs, () => {
      void this.#look().finally(() => this.#scheduleLook())
    })
  }

  /** Finds what is new; a failure is told once, as the next look may succeed. */
  async #look(): Promise<void> {
    const { files, path } = this.#options
    try {
      const found = await listFiles(files, path, (file) => this.#known.has(file))
      if (this.#isClosed) return
      if (found.length > 0) this.#assign(found)
      this.#hasFailedToLook = false
    } catch (error) {
      if (this.#isClosed || this.#hasFailedToLook) return
      this.#hasFailedToLook = true
      this.#context.log(`New files cannot be looked for: ${thrownText(error)}; trying again.`)
    }
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
