import { fileSinkOn } from '../../connectors/file-sink.ts'
import { json } from '../../connectors/json-format.ts'
import type { LineagePoint, OutputPolicy, SinkContext } from '../../runtime/sink.ts'
import type { PendingCommit } from '../../runtime/checkpoint/pending-commits.ts'
import { SinkDriver } from '../../runtime/task/sink-driver.ts'
import { SlotRoom } from '../../runtime/task/slot-room.ts'
import { LINEAGE } from '../contract/sink-run.ts'
import { type FaultFileSystem, Stopped } from '../harness/fault-file-system.ts'
import { ManualClock } from '../../testing/manual-clock.ts'

export const OUT = '/home/out/alerts'
const SUBTASKS = [0, 1] as const

/** What happens next in the life of a job. */
export type Step =
  /** One subtask writes records. */
  | { readonly do: 'write'; readonly subtask: 0 | 1; readonly count: number }
  /** Files get so old that they are rolled. */
  | { readonly do: 'age' }
  /** A checkpoint: published and committed, published only, or aborted after the cut. */
  | { readonly do: 'checkpoint'; readonly fate: 'committed' | 'published' | 'aborted' }
  /** The attempt fails; the next goes on from the last checkpoint, or from the one before it (R3). */
  | { readonly do: 'restart'; readonly from: 'last' | 'before' }

interface Checkpoint {
  readonly id: number
  /** Records read by each subtask. */
  readonly positions: readonly number[]
  readonly pending: readonly (readonly PendingCommit[])[]
}

const START: Checkpoint = { id: 0, positions: [0, 0], pending: [[], []] }

/** What the test looks at: in which part of the protocol an operation happens. */
export type Phase = 'prepare' | 'write' | 'cut' | 'commit'

/**
 * A job with a file sink of two subtasks on a fault file system: its checkpoints are kept safe, all else is at the mercy of
 * the file system. Each subtask reads the numbers from its position on, and writes them.
 */
export class FileSinkJob {
  phase: Phase = 'prepare'
  readonly #fileSystem: FaultFileSystem
  /** What to do when the machine stops: start it again, with or without a power cut. */
  readonly #afterStop: () => void
  #published: Checkpoint[] = []
  #lastId = 0
  #attempt = 0
  #clock = new ManualClock()
  #drivers: SinkDriver[] = []
  #positions: number[] = []
  stops = 0

  constructor(fileSystem: FaultFileSystem, afterStop: () => void) {
    this.#fileSystem = fileSystem
    this.#afterStop = afterStop
  }

  /** Runs all steps, and a last checkpoint; throws what is wrong with the output. */
  async run(steps: readonly Step[]): Promise<void> {
    if (!(await this.#surviving(() => this.#start()))) await this.#recover()
    for (const step of steps) {
      if (await this.#surviving(() => this.#step(step))) continue
      await this.#recover()
    }
    const last = { do: 'checkpoint', fate: 'committed' } as const
    while (!(await this.#surviving(() => this.#step(last)))) await this.#recover()
    await this.#check(true)
  }

  /** The next process, as often as the machine stops in it. */
  async #recover(): Promise<void> {
    do {
      this.#afterStop()
      await this.#check(false)
    } while (!(await this.#surviving(() => this.#start())))
  }

  /** False when the machine stopped in it. */
  async #surviving(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
    } catch (error) {
      if (!this.#fileSystem.isStopped) throw error
      if (!hasCause(error, Stopped)) throw error
    }
    if (!this.#fileSystem.isStopped) return true
    this.stops++
    return false
  }

  async #step(step: Step): Promise<void> {
    if (step.do === 'write') return this.#write(step.subtask, step.count)
    if (step.do === 'checkpoint') return this.#checkpoint(step.fate)
    if (step.do === 'restart') {
      await Promise.all(this.#drivers.map((driver) => driver.close()))
      if (step.from === 'before') this.#published.pop()
      return this.#start()
    }
    this.phase = 'write'
    this.#clock.advance(60_000)
  }

  async #start(): Promise<void> {
    const base = this.#published.at(-1) ?? START
    const sink = fileSinkOn<number>(this.#fileSystem, { dir: OUT, format: json(), rollSize: 12 })
    this.phase = 'prepare'
    await sink.prepareOutput?.({
      uid: 'alerts',
      current: { lineage: LINEAGE, checkpointId: base.id },
      ancestry: [] satisfies readonly LineagePoint[],
      policy: 'refuse' satisfies OutputPolicy,
      pending: base.pending.flat().flatMap((commit) => commit.committables),
      log() {},
    })
    this.phase = 'commit'
    this.#clock = new ManualClock()
    this.#attempt++
    this.#positions = [...base.positions]
    this.#drivers = SUBTASKS.map((subtask) => {
      const pending = base.pending[subtask] as readonly PendingCommit[]
      return new SinkDriver(
        sink as never,
        this.#context(subtask),
        pending,
        () => {},
        new SlotRoom(),
      )
    })
    for (const driver of this.#drivers) await driver.open()
  }

  async #write(subtask: 0 | 1, count: number): Promise<void> {
    this.phase = 'write'
    for (let i = 0; i < count; i++) {
      const number = (this.#positions[subtask] as number) * 2 + subtask
      this.#drivers[subtask]?.processElement(number, 0)
      this.#positions[subtask]!++
    }
    // Lets the disk work that this has begun go on.
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }

  async #checkpoint(fate: 'committed' | 'published' | 'aborted'): Promise<void> {
    this.phase = 'cut'
    const id = ++this.#lastId
    const positions = [...this.#positions]
    const base = this.#published.at(-1)?.id ?? 0
    const pending = await Promise.all(this.#drivers.map((driver) => driver.prepareCommit(id, base)))
    if (fate === 'aborted') return
    this.#published.push({ id, positions, pending: structuredClone(pending) })
    this.phase = 'commit'
    if (fate === 'published') return
    for (const driver of this.#drivers) await driver.commitUpTo(id)
  }

  /** What a reader sees must be records of published checkpoints, none twice; at the end all of them, and nothing else. */
  async #check(isEnd: boolean): Promise<void> {
    const fileSystem = this.#fileSystem
    const names = await fileSystem.list(OUT)
    const found: number[] = []
    for (const name of names.filter((one) => !one.startsWith('.'))) {
      const bytes = await fileSystem.read(`${OUT}/${name}`, 0, 1e9)
      const text = Buffer.from(bytes).toString()
      if (!text.endsWith('\n')) throw new Error(`half a record at the end of ${name}`)
      found.push(...text.trimEnd().split('\n').map(Number))
    }
    if (found.some((number) => !Number.isInteger(number))) throw new Error(`no record: ${found}`)
    if (new Set(found).size !== found.length) throw new Error(`records twice: ${found}`)
    if (!isEnd) return
    const expected = SUBTASKS.flatMap((subtask) =>
      Array.from({ length: this.#positions[subtask] as number }, (_, i) => i * 2 + subtask),
    )
    const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b).join()
    if (sorted(found) !== sorted(expected)) throw new Error(`found ${found}, not ${expected}`)
    const hidden = names.filter((name) => name.startsWith('.'))
    if (hidden.length > 0) throw new Error(`left over: ${hidden}`)
  }

  #context(subtaskIndex: number): SinkContext {
    return {
      uid: 'alerts',
      subtaskIndex,
      parallelism: 2,
      attempt: this.#attempt,
      lineage: LINEAGE,
      restoredCheckpointId: 0,
      clock: this.#clock,
      wake() {},
      fail() {},
      count() {},
      log() {},
      print() {},
      printBacklog: 0,
      deliver() {},
    }
  }
}

function hasCause(error: unknown, kind: new () => Error): boolean {
  if (error instanceof kind) return true
  return error instanceof Error && hasCause(error.cause, kind)
}
