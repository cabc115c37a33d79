import { beforeEach, describe, expect, it } from 'vitest'
import { collectionSink } from '../../../connectors/collection-sink.ts'
import { collectionSource } from '../../../connectors/collection-source.ts'
import { printSink } from '../../../connectors/print-sink.ts'
import type { Out } from '../../../operators/collector.ts'
import { job } from '../../../operators/job.ts'
import { processFunction } from '../../../operators/process.ts'
import { SeededRandom } from '../../../runtime/clock.ts'
import type { JobModule } from '../../../runtime/job/job-module.ts'
import { numberStates } from '../../../runtime/job/restore-plan.ts'
import type { LinkMessage, SlotCommand, SlotReport } from '../../../runtime/messages.ts'
import type { ReaderOutput, Source } from '../../../runtime/source.ts'
import { MemoryBackend } from '../../../runtime/state/memory-backend.ts'
import { Slot } from '../../../runtime/task/slot.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { SimulatedDisk, SimulatedStorage } from '../../../testing/simulated-storage.ts'

const OPEN: SlotCommand = {
  type: 'open',
  restored: [],
  restoreDirectory: undefined,
  enumerators: {},
}

async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

describe('Slot', () => {
  let clock: ManualClock
  let reports: SlotReport[]
  let command: (command: SlotCommand) => void
  let link: (message: LinkMessage) => void
  let log: string[]
  let posted: string[]
  let finishOpen: () => void

  beforeEach(() => {
    clock = new ManualClock()
    reports = []
    log = []
    posted = []
  })

  function types(): string[] {
    return reports.map(({ type }) => type).filter((type) => type !== 'figures')
  }

  /** A slot with the given job; `parallelism` above 1 gives it a link to a second one. */
  function start(module: JobModule, parallelism = 1, bufferTimeoutMs = 10): Slot {
    const { graph, plan } = module.build({}, { parallelism, maxParallelism: 16 })
    const storage = new SimulatedStorage({ disk: new SimulatedDisk(), later: queueMicrotask })
    return new Slot({
      settings: {
        attempt: 1,
        slot: 0,
        parallelism,
        maxParallelism: 16,
        lineage: 'test',
        restoredCheckpointId: 0,
        strict: true,
        allow: [],
        cacheBytesPerSlot: 1_000,
        channelBytes: 1_000,
        bufferTimeoutMs,
        autoWatermarkIntervalMs: 200,
        workDirectory: '/test',
        states: numberStates(plan, undefined),
      },
      graph,
      structuralHash: plan.structuralHash,
      clock,
      random: new SeededRandom(1),
      control: {
        post: (report) => reports.push(report),
        onMessage: (receive) => {
          command = receive
        },
        close() {},
      },
      links: [
        undefined,
        {
          post: (message: LinkMessage) => void posted.push(message.type),
          onMessage: (receive: (message: LinkMessage) => void) => {
            link = receive
          },
          close() {},
        },
      ].slice(0, parallelism),
      storage,
      openSnapshot: () => storage,
      createBackend: (context) => new MemoryBackend(context),
      heartbeat: new Int32Array(2),
      sliceMs: 8,
      quantum: 64,
      roundsPerTurn: Infinity,
      eagerRestoreBytes: Infinity,
      failpoint: () => {},
    })
  }

  /** Two functions that open asynchronously; the second one fails at 2. */
  function lifecycleJob(source: Source<number> = collectionSource([1, 2])): JobModule {
    return job('lifecycle', {}, (env) => {
      const numbers = env.fromSource(source, { uid: 'numbers' }).keyBy((n) => n)
      for (const uid of ['a', 'b']) {
        numbers
          .process(
            processFunction({
              async open() {
                log.push(`opening ${uid}`)
                if (uid === 'b') await new Promise<void>((resolve) => (finishOpen = resolve))
                log.push(`open ${uid}`)
              },
              close() {
                log.push(`close ${uid}`)
              },
              processElement(n: number, _ctx, _out: Out<number>) {
                log.push(`${uid} ${n}`)
                if (n === 2 && uid === 'b') throw new Error('no 2')
              },
            }),
            { uid },
          )
          .sinkTo(collectionSink(), { uid: `${uid}-out` })
      }
    })
  }

  it('opens last to first, before the first record, and closes after a failure too (R21)', async () => {
    const slot = start(lifecycleJob())
    command(OPEN)
    await settled()
    expect(log).toEqual(['opening b'])
    finishOpen()
    await settled()
    expect(types()).toEqual(['built', 'opened'])
    command({ type: 'run' })
    await settled()
    clock.runTurns()
    expect(log.slice(1)).toEqual(['open b', 'opening a', 'open a', 'a 1', 'b 1', 'a 2', 'b 2'])
    expect(types()).toEqual(['built', 'opened', 'failed'])
    command({ type: 'cancel' })
    await slot.closed
    expect(log.slice(8).sort()).toEqual(['close a', 'close b'])
    expect(types().at(-1)).toBe('closed')
  })

  it('opens nothing more when it is cancelled, and closes what it has opened (R21)', async () => {
    const slot = start(lifecycleJob())
    command(OPEN)
    await settled()
    command({ type: 'cancel' })
    command({ type: 'cancel' })
    await settled()
    expect(types()).toEqual(['built'])
    finishOpen()
    await slot.closed
    expect(log).toContain('close b')
    expect(types().filter((type) => type === 'closed')).toHaveLength(1)
  })

  it('sleeps until its next look at time when there is nothing to do', async () => {
    const waiting: Source<number> = {
      kind: 'waiting',
      boundedness: 'unbounded',
      createEnumerator: () => ({ start() {}, snapshotState: () => null }),
      createReader: () => ({
        open() {},
        addSplits() {},
        noMoreSplits() {},
        poll: () => {
          log.push('poll')
          return 'wait'
        },
        snapshotState: () => [],
      }),
    }
    start(lifecycleJob(waiting))
    command(OPEN)
    await settled()
    finishOpen()
    await settled()
    command({ type: 'run' })
    clock.runTurns()
    expect([clock.pendingTurns, clock.nextDelay]).toEqual([0, 200])
    expect(log.filter((line) => line === 'poll')).toHaveLength(1)
    clock.advance(200)
    expect(clock.pendingTurns).toBe(1)
    clock.runTurns()
    expect(log.filter((line) => line === 'poll')).toHaveLength(1)
  })

  it.each([
    [1, 1],
    [8, 1],
    [10, 2],
    [40, 5],
  ])(
    'sends a batch after %i ms while it has other work: behind turn %i of 8 ms (R8)',
    async (bufferTimeoutMs, turn) => {
      let polls = 0
      const source: Source<number> = {
        ...collectionSource<number>([]),
        createReader: () => {
          let output: ReaderOutput<number>
          return {
            open: (given) => void (output = given),
            addSplits() {},
            noMoreSplits() {},
            poll: () => {
              clock.advance(8)
              // Busy for ever, with records in its first turn only.
              if (polls++ === 0) for (let n = 0; n < 20; n++) output.split('all').emit(n)
              return 'more'
            },
            snapshotState: () => [],
          }
        },
      }
      const numbers = job('busy', {}, (env) => {
        const keyed = env.fromSource(source, { uid: 'numbers' }).keyBy((n) => n)
        keyed.reduce((a) => a, { uid: 'first' }).sinkTo(collectionSink(), { uid: 'out' })
      })
      start(numbers, 2, bufferTimeoutMs)
      command(OPEN)
      await settled()
      command({ type: 'run' })
      const turns: number[] = []
      for (let i = 1; i <= 8; i++) {
        clock.runTurn()
        if (posted.splice(0).includes('batch')) turns.push(i)
      }
      expect(turns).toEqual([turn])
    },
  )

  it('cuts a print sink once its own lines are written, however far behind another one is (N16)', async () => {
    let emit!: (n: number) => void
    const source: Source<number> = {
      kind: 'told',
      boundedness: 'unbounded',
      createEnumerator: () => ({ start() {}, snapshotState: () => null }),
      createReader: (context) => {
        const queue: number[] = []
        let output: ReaderOutput<number>
        emit = (n) => (queue.push(n), context.wake())
        return {
          open: (given) => void (output = given),
          addSplits() {},
          noMoreSplits() {},
          poll: () => {
            const n = queue.shift()
            if (n !== undefined) output.split('all').emit(n)
            return n === undefined ? 'wait' : 'more'
          },
          snapshotState: () => [],
        }
      },
    }
    start(
      job('prints', {}, (env) => {
        const numbers = env.fromSource(source, { uid: 'numbers' })
        numbers.filter((n) => n < 10).sinkTo(printSink(), { uid: 'quiet' })
        numbers.sinkTo(printSink(), { uid: 'busy' })
      }),
    )
    command(OPEN)
    await settled()
    command({ type: 'run' })
    emit(1)
    clock.runTurns()
    command({ type: 'trigger', checkpointId: 1, baseId: 0, kind: 'checkpoint' })
    await settled()
    clock.runTurns()
    emit(20)
    clock.runTurns()
    for (const uid of ['quiet', 'busy']) command({ type: 'printed', uid, bytes: 2 })
    expect(reports.filter((one) => one.type === 'print')).toHaveLength(3)
    expect(types()).not.toContain('acknowledge')
    clock.advance(5)
    await settled()
    expect(types()).toContain('acknowledge')
  })

  it('fails the attempt when an enumerator cannot give its state, instead of a checkpoint that hangs', async () => {
    const source: Source<number> = {
      ...collectionSource([1]),
      createEnumerator: () => ({
        start() {},
        snapshotState: () => {
          throw new Error('no state')
        },
      }),
    }
    start(lifecycleJob(source))
    command(OPEN)
    await settled()
    finishOpen()
    await settled()
    command({ type: 'run' })
    command({ type: 'trigger', checkpointId: 1, baseId: 0, kind: 'checkpoint' })
    await settled()
    expect(reports.at(-1)).toMatchObject({ type: 'failed', error: { message: 'no state' } })
  })

  it('fails at a batch over a channel that does not end here', () => {
    start(lifecycleJob(), 2)
    link({ type: 'batch', channel: 99, buffer: new ArrayBuffer(8), length: 8 })
    expect(reports.at(-1)).toMatchObject({ type: 'failed', error: { code: 'MR_INTERNAL' } })
  })
})
