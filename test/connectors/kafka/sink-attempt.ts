import { randomUUID } from 'node:crypto'
import { type PendingCommit, spreadCommits } from '../../../runtime/checkpoint/pending-commits.ts'
import { SystemClock, type Clock } from '../../../runtime/clock.ts'
import type { FailpointHook } from '../../../runtime/failpoint.ts'
import type { OutputPolicy, LineagePoint, Sink, SinkContext } from '../../../runtime/sink.ts'
import { SinkDriver } from '../../../runtime/task/sink-driver.ts'
import { decodeValue, encodeValue } from '../../../runtime/value-codec.ts'

/** What a published checkpoint has of a sink: what each subtask has pending, encoded as there. */
export interface SinkCheckpoint {
  readonly point: LineagePoint
  readonly ancestry: readonly LineagePoint[]
  readonly subtasks: readonly Uint8Array[]
}

export interface AttemptOptions {
  readonly parallelism?: number
  /** What it goes on from; undefined for a fresh start. */
  readonly from?: SinkCheckpoint
  /** Begins another lineage with `from`, as `--from` does. */
  readonly forks?: boolean
  readonly lineage?: string
  readonly policy?: OutputPolicy
  readonly clock?: Clock
  readonly uid?: string
  readonly failpoint?: FailpointHook
}

/** One attempt of a job that is all sink: as the runtime does it, but for its threads. */
export class SinkAttempt<T> {
  readonly drivers: readonly SinkDriver[]
  readonly point: { lineage: string; checkpointId: number }
  readonly ancestry: readonly LineagePoint[]
  readonly logs: string[]
  failure: unknown
  /** Event time of all records; a broker drops those that are older than its retention. */
  readonly time: number = Date.now()

  private constructor(
    drivers: (attempt: SinkAttempt<T>) => readonly SinkDriver[],
    point: LineagePoint,
    ancestry: readonly LineagePoint[],
    logs: string[],
  ) {
    this.point = { ...point }
    this.ancestry = ancestry
    this.logs = logs
    this.drivers = drivers(this)
  }

  static async start<T>(sink: Sink<T>, options: AttemptOptions = {}): Promise<SinkAttempt<T>> {
    const {
      parallelism = 1,
      from,
      policy = 'refuse',
      uid = 'sink',
      forks = from === undefined,
    } = options
    const clock = options.clock ?? new SystemClock()
    const logs: string[] = []
    const log = (message: string) => void logs.push(message)
    const point = forks
      ? { lineage: options.lineage ?? randomUUID().slice(0, 8), checkpointId: 0 }
      : from!.point
    const ancestry =
      from === undefined ? [] : forks ? [from.point, ...from.ancestry] : from.ancestry
    const restored = (from?.subtasks ?? []).map((data) => decodeValue(data) as PendingCommit[])
    const output = {
      uid,
      current: point,
      ancestry,
      policy,
      pending: restored.flatMap((commits) => commits.flatMap(({ committables }) => committables)),
      log,
    }
    await sink.checkOutput?.(output)
    await sink.prepareOutput?.(output)
    const spread = spreadCommits(restored, parallelism)
    const attempt = new SinkAttempt<T>(
      (self) =>
        spread.map((pending, subtaskIndex) => {
          const context: SinkContext = {
            uid,
            subtaskIndex,
            parallelism,
            attempt: 1,
            lineage: point.lineage,
            restoredCheckpointId: point.checkpointId,
            clock,
            wake() {},
            fail: (error) => void (self.failure ??= error),
            count() {},
            log,
            print() {},
            printBacklog: 0,
            deliver() {},
          }
          const room = { used() {} } as never
          return new SinkDriver(
            sink as Sink<unknown>,
            context,
            pending,
            options.failpoint ?? (() => {}),
            room,
          )
        }),
      point,
      ancestry,
      logs,
    )
    try {
      for (const driver of attempt.drivers) await driver.open()
    } catch (error) {
      await attempt.close()
      throw error
    }
    return attempt
  }

  write(subtask: number, ...records: readonly T[]): void {
    for (const record of records) this.drivers[subtask]!.processElement(record, this.time)
  }

  /** Takes a checkpoint up to its publication. */
  async publish(isAborted = false): Promise<SinkCheckpoint> {
    const baseId = this.point.checkpointId
    const checkpointId = this.#nextId()
    const subtasks = await Promise.all(
      this.drivers.map(async (driver) =>
        encodeValue(await driver.prepareCommit(checkpointId, baseId), 'pending'),
      ),
    )
    if (!isAborted) this.point.checkpointId = checkpointId
    return { point: { ...this.point, checkpointId }, ancestry: this.ancestry, subtasks }
  }

  /** Commits what has been published. */
  async commit(): Promise<void> {
    await Promise.all(this.drivers.map((driver) => driver.commitUpTo(this.point.checkpointId)))
  }

  async checkpoint(): Promise<SinkCheckpoint> {
    const published = await this.publish()
    await this.commit()
    return published
  }

  async close(): Promise<void> {
    for (const driver of this.drivers) await driver.close()
  }

  #ids = 0
  #nextId(): number {
    this.#ids = Math.max(this.#ids, this.point.checkpointId) + 1
    return this.#ids
  }
}
