import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sink } from '../../runtime/sink.ts'
import { LINEAGE, Runner, SinkRun, type SinkRunOptions } from './sink-run.ts'

/** A place that a sink puts records out to, empty at first. */
export interface SinkPlace {
  /** Makes the sink anew, as every thread and process does. */
  create(): Sink<unknown>
  /** What a reader finds there, as JSON texts; `runner` is who runs the job. */
  read(runner: Runner): Promise<readonly string[]>
  remove?(): Promise<void>
}

export interface SinkContractOptions {
  readonly name: string
  /** What the sink promises; the tests of exactly-once are run for sinks that do. */
  readonly guarantee: Sink<unknown>['guarantee']
  readonly open: () => Promise<SinkPlace>
}

const values = (...ids: readonly number[]) => ids.map((id) => ({ id, text: `é "${id}"\n` }))
const texts = (...ids: readonly number[]) => values(...ids).map((value) => JSON.stringify(value))

/** What every sink must do; exactly-once sinks have more to do than others. */
export function sinkContract({ name, guarantee, open }: SinkContractOptions): void {
  describe(`sink contract: ${name}`, () => {
    let place: SinkPlace
    let runner: Runner

    beforeEach(async () => {
      place = await open()
      runner = new Runner()
    })

    afterEach(() => place.remove?.())

    const start = async (options: SinkRunOptions = {}) => {
      const sink = place.create()
      await sink.prepareOutput?.({
        uid: 'sink',
        current: { lineage: LINEAGE, checkpointId: 1_000 },
        ancestry: [],
        policy: 'refuse',
        pending: [],
        log() {},
      })
      const run = new SinkRun(sink, { runner, ...options })
      await run.writer.open?.()
      return run
    }

    const found = async () => [...(await place.read(runner))].sort()

    it('is ready at first, and takes records without a promise', async () => {
      const run = await start()
      expect(run.writer.isReady).toBe(true)
      expect(run.writer.write(values(1)[0], 5)).toBe(undefined)
      expect(run.writer.isReady).toBe(true)
      await run.close()
    })

    it('has put out what was written before a cut, once that is committed (R33)', async () => {
      const run = await start()
      run.write(...values(1, 2, 3))
      await run.commit(await run.cut(1))
      expect(await found()).toEqual(texts(1, 2, 3))
      await run.close()
    })

    it('cuts at once: records that follow belong to the next checkpoint (R33)', async () => {
      const run = await start()
      run.write(...values(1, 2))
      const first = run.cut(1)
      run.write(...values(3))
      const second = run.cut(2)
      await run.commit(await first)
      if (run.committer !== undefined) expect(await found()).toEqual(texts(1, 2))
      await run.commit(await second)
      expect(await found()).toEqual(texts(1, 2, 3))
      await run.close()
    })

    it('has nothing to commit where nothing was written', async () => {
      const run = await start()
      expect(await run.cut(1)).toEqual([])
      run.write(...values(1))
      await run.commit(await run.cut(2))
      expect(await run.cut(3)).toEqual([])
      expect(await found()).toEqual(texts(1))
      await run.close()
    })

    it('keeps subtasks apart', async () => {
      const runs = [await start({ subtaskIndex: 0 }), await start({ subtaskIndex: 1 })]
      for (const [i, run] of runs.entries()) run.write(...values(i))
      for (const run of runs) await run.commit(await run.cut(1))
      expect(await found()).toEqual(texts(0, 1))
      for (const run of runs) await run.close()
    })

    it('can be closed without a cut', async () => {
      const run = await start()
      run.write(...values(1))
      await run.close()
      expect(run.failure).toBe(undefined)
      if (run.committer !== undefined) expect(await found()).toEqual([])
    })

    it('says what it guarantees: exactly-once takes a committer (R33)', () => {
      const sink = place.create()
      expect(sink.guarantee).toBe(guarantee)
      expect(sink.createCommitter !== undefined).toBe(guarantee === 'exactly-once')
    })

    if (guarantee !== 'exactly-once') return

    describe('exactly once', () => {
      it('shows nothing before the commit (R26, R33)', async () => {
        const run = await start()
        run.write(...values(1))
        const pending = await run.cut(1)
        run.write(...values(2))
        expect(await found()).toEqual([])
        await run.commit(pending)
        expect(await found()).toEqual(texts(1))
        await run.close()
      })

      it('commits twice as once (R33)', async () => {
        const run = await start()
        run.write(...values(1, 2))
        const pending = await run.cut(1)
        await run.commit(pending)
        await run.commit(pending)
        expect(await found()).toEqual(texts(1, 2))
        await run.close()
      })

      it('commits from another process what the writer left pending (R33)', async () => {
        const run = await start()
        run.write(...values(1))
        const pending = await run.cut(1)
        run.write(...values(2))
        await run.close()
        const other = new SinkRun(place.create(), { runner, attempt: 2, restoredCheckpointId: 1 })
        await other.commit(pending)
        await other.commit(pending)
        other.write(...values(3))
        await other.commit(await other.cut(2))
        expect(await found()).toEqual(texts(1, 3))
        await other.close()
      })

      it('commits several cuts one after another, an aborted one with the next (R24)', async () => {
        const run = await start()
        const pending: (readonly unknown[])[] = []
        for (const id of [1, 2, 3]) {
          run.write(...values(id))
          pending.push(await run.cut(id, 0))
        }
        for (const committables of pending) await run.commit(committables)
        expect(await found()).toEqual(texts(1, 2, 3))
        await run.close()
      })
    })
  })
}
