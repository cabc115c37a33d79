import { s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import { type PendingCommit, spreadCommits } from '../../../runtime/checkpoint/pending-commits.ts'
import type { Sink, SinkContext } from '../../../runtime/sink.ts'
import { SinkDriver } from '../../../runtime/task/sink-driver.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { LINEAGE } from '../../contract/sink-run.ts'
import { MemoryBucket } from './memory-bucket.ts'
import { MemoryCatalog } from './memory-catalog.ts'
import type { PlayFormat, PlayRow } from './play-formats.ts'

/** What happens next to a job that writes the numbers from 0 on, each as a row. */
export type Step =
  | { readonly do: 'write'; readonly rows: number; readonly size: number }
  /**
   * `isPublished`: the checkpoint completes; `commits`: all that follows, nothing, nothing that anyone hears of, or all but
   * partitions of the table. `isLast`: the job is
   * being stopped.
   */
  | {
      readonly do: 'cut'
      readonly isPublished: boolean
      readonly commits: 'all' | 'none' | 'unheard' | 'without table'
      readonly isLast: boolean
    }
  | { readonly do: 'advance'; readonly ms: number }
  /** The attempt ends; the next goes on from the last checkpoint but so many, with that parallelism. */
  | {
      readonly do: 'restart'
      readonly back: number
      readonly parallelism: number
      readonly closes: boolean
    }

interface Published {
  readonly id: number
  readonly rows: number
  /** By subtask. */
  readonly pending: readonly (readonly PendingCommit[])[]
}

/** One job on one bucket, step by step; says what is wrong with what readers see. */
export class SinkPlay {
  readonly bucket: MemoryBucket = new MemoryBucket()
  readonly catalog: MemoryCatalog = new MemoryCatalog('s3://lake/rows', ['p', 'q'])
  readonly #sink: Sink<PlayRow>
  readonly #format: PlayFormat
  readonly #path: string
  /** What was found in objects before. */
  readonly #known: WeakMap<Uint8Array, readonly number[]> = new WeakMap()
  /** Of the attempt: timers of one that has crashed are gone. */
  #clock = new ManualClock()
  #drivers: SinkDriver[] = []
  #published: Published[] = [{ id: 0, rows: 0, pending: [] }]
  #lastId = 0
  #baseId = 0
  #rows = 0
  #failure: unknown

  /** @param path Of a file that it may write. */
  constructor(spansCheckpoints: boolean, playFormat: PlayFormat, path: string) {
    const { format, compression = 'none' } = playFormat
    this.#format = playFormat
    this.#path = path
    this.#sink = s3SinkOn<PlayRow>(
      () => this.bucket.store(),
      {
        path: 's3://lake/rows',
        format,
        compression,
        partitions: { p: ({ id }) => id % 2, q: ({ id }) => Math.floor(id / 16) },
        rollSize: 12_000_000,
        rollInterval: '1m',
        spansCheckpoints,
      },
      () => this.catalog.catalog(),
    ) as Sink<PlayRow>
  }

  async start(parallelism: number): Promise<void> {
    const { id, rows, pending } = this.#published.at(-1)!
    const current = { lineage: LINEAGE, checkpointId: id }
    await this.#sink.prepareOutput!({
      uid: 'rows',
      current,
      ancestry: [],
      policy: 'refuse',
      pending: pending.flatMap((those) => those.flatMap(({ committables }) => committables)),
      log() {},
    })
    this.#rows = rows
    this.#baseId = id
    const clock = new ManualClock()
    this.#clock = clock
    this.#drivers = spreadCommits(pending, parallelism).map((restored, subtaskIndex) => {
      const context: SinkContext = {
        uid: 'rows',
        subtaskIndex,
        parallelism,
        attempt: 1,
        ...current,
        restoredCheckpointId: id,
        clock,
        wake() {},
        fail: (error) => {
          if (this.#clock === clock) this.#failure ??= error
        },
        count() {},
        log() {},
        print() {},
        printBacklog: 0,
        deliver() {},
      }
      const sink = this.#sink as Sink<unknown>
      return new SinkDriver(sink, context, structuredClone(restored), () => {}, {
        used() {},
      } as never)
    })
    for (const driver of this.#drivers) await driver.open()
  }

  async step(step: Step): Promise<void> {
    if (step.do === 'write') this.#write(step.rows, step.size)
    else if (step.do === 'advance') this.#clock.advance(step.ms)
    else if (step.do === 'cut') await this.cut(step)
    else {
      if (step.closes) for (const driver of this.#drivers) await driver.close()
      const kept = Math.max(1, this.#published.length - step.back)
      this.#published = this.#published.slice(0, kept)
      await this.start(step.parallelism)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  async cut({ isPublished, commits, isLast }: Extract<Step, { do: 'cut' }>): Promise<void> {
    const id = ++this.#lastId
    const cuts = this.#drivers.map((driver) => driver.prepareCommit(id, this.#baseId, isLast))
    const pending = structuredClone(await Promise.all(cuts))
    if (!isPublished) return
    this.#published.push({ id, rows: this.#rows, pending })
    this.#baseId = id
    if (commits === 'none') return
    if (commits === 'unheard') {
      this.bucket.fate = (call) =>
        call === 'completeUpload' || call === 'put' ? 'done, then fails' : 'done'
    }
    if (commits === 'without table') this.catalog.fate = () => 'fails'
    const committed = this.#drivers.map((driver) => driver.commitUpTo(id))
    if (commits === 'all') await Promise.all(committed)
    else await Promise.allSettled(committed)
    this.bucket.fate = () => 'done'
    this.catalog.fate = () => 'done'
  }

  /** What is visible: nothing twice, and nothing that the newest checkpoint does not have. */
  async problem(): Promise<string | undefined> {
    const found = await this.visible()
    const twice = found.find((id, i) => id === found[i - 1])
    if (twice !== undefined) return `row ${twice} is there twice`
    const last = found.at(-1) ?? -1
    const { rows } = this.#published.at(-1)!
    return last >= rows ? `row ${last} is visible, and the checkpoint has ${rows}` : undefined
  }

  async visible(): Promise<number[]> {
    const ids: number[] = []
    for (const { body } of this.bucket.objects.values()) {
      const found = this.#known.get(body) ?? (await this.#format.idsIn(body, this.#path))
      this.#known.set(body, found)
      ids.push(...found)
    }
    return ids.sort((a, b) => a - b)
  }

  /** Objects that readers of the table would not find. */
  get unlisted(): readonly string[] {
    const places = new Set(this.catalog.partitions.values())
    return this.bucket.keys.filter((key) => {
      const folder = key.slice(0, key.lastIndexOf('/') + 1)
      return !places.has(`s3://lake/${folder}`)
    })
  }

  get rows(): number {
    return this.#rows
  }

  async close(): Promise<void> {
    for (const driver of this.#drivers) await driver.close()
  }

  #write(rows: number, size: number): void {
    for (let n = 0; n < rows; n++) {
      const id = this.#rows++
      const row = { id, text: `${id}:${'x'.repeat(size)}` }
      this.#drivers[Math.floor(id / 2) % this.#drivers.length]!.processElement(row, id)
    }
  }
}
