import type { FileSystem, ReadableFile, WritableFile } from '../runtime/file-system.ts'

/** What is in a file. */
interface Content {
  bytes: Uint8Array
}

/**
 * Files of the working directory in memory: when an operation has its effect, and when its caller hears of it, is the
 * scheduler's choice (R40). They end with their thread. To use a file that has been closed is an error.
 */
export class SimulatedFiles implements Pick<FileSystem, 'create' | 'open' | 'unlink'> {
  readonly #later: (task: () => void) => void
  readonly #contents: Map<string, Content> = new Map()

  /** `later` runs a task later; its order among other tasks is the scheduler's choice. A dead thread drops it. */
  constructor(later: (task: () => void) => void) {
    this.#later = later
  }

  /** Their paths. */
  get names(): readonly string[] {
    return [...this.#contents.keys()]
  }

  /** Of all of them. */
  get bytes(): number {
    let sum = 0
    for (const { bytes } of this.#contents.values()) sum += bytes.length
    return sum
  }

  /** What is in a file, to be looked at or damaged. */
  bytesOf(path: string): Uint8Array {
    return this.#contents.get(path)!.bytes
  }

  create(path: string): Promise<WritableFile> {
    return this.#run(() => {
      if (this.#contents.has(path)) throw new Error(`${path} is there already`)
      const content: Content = { bytes: new Uint8Array(0) }
      this.#contents.set(path, content)
      return this.#writable(content)
    })
  }

  #writable(content: Content): WritableFile {
    const use = useOnce()
    return {
      write: (chunk) =>
        this.#run(() => {
          use.check()
          content.bytes = Buffer.concat([content.bytes, chunk])
        }),
      sync: () => this.#run(use.check),
      close: () => this.#run(use.end),
    }
  }

  open(path: string): Promise<ReadableFile> {
    return this.#run(() => {
      const content = this.#contents.get(path)
      if (content === undefined) throw new Error(`${path} is not there`)
      const use = useOnce()
      return {
        read: (offset, length) =>
          this.#run(() => {
            use.check()
            return content.bytes.slice(offset, offset + length)
          }),
        readSync(offset, target) {
          use.check()
          const found = content.bytes.subarray(offset, offset + target.length)
          target.set(found)
          return found.length
        },
        close: () => this.#run(use.end),
      }
    })
  }

  unlink(path: string): Promise<void> {
    return this.#run(() => {
      if (!this.#contents.delete(path)) throw new Error(`${path} is not there`)
    })
  }

  /** The effect comes in one step, the news of it in another. */
  #run<T>(effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#later(() => {
        try {
          const result = effect()
          this.#later(() => resolve(result))
        } catch (error) {
          this.#later(() => reject(error as Error))
        }
      })
    })
  }
}

function useOnce(): { check: () => void; end: () => void } {
  let isOver = false
  const check = (): void => {
    if (isOver) throw new Error('a file is used after it has been closed')
  }
  const end = (): void => {
    check()
    isOver = true
  }
  return { check, end }
}
