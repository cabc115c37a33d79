import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import { checkpointSettings } from '../../../runtime/checkpoint/checkpoint-settings.ts'
import type { SavepointSummary } from '../../../runtime/checkpoint/checkpoint-summary.ts'
import type { CheckpointManifest } from '../../../runtime/checkpoint/manifest.ts'
import { SeededRandom } from '../../../runtime/clock.ts'
import { RestartableError, StreamError } from '../../../runtime/errors.ts'
import { Deliveries } from '../../../runtime/job/deliveries.ts'
import type { JobEvent } from '../../../runtime/job/job-events.ts'
import { JobRun, type JobRunOptions } from '../../../runtime/job/job-run.ts'
import { Savepoints } from '../../../runtime/job/savepoints.ts'
import { encodeValue } from '../../../runtime/value-codec.ts'
import { createRestartStrategy } from '../../../runtime/job/restart-strategy.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'
import { FakeSlots, type Script } from './fake-slots.ts'
import { FakeStorage } from './fake-storage.ts'
import { manifestOf, planOf, sink, source } from './plans.ts'
import { settle } from './settle.ts'

/** Finishes at once in the attempts that `script` leaves alone. */
const finishing: Script = (slot, command) => {
  if (command.type === 'run') slot.finish()
}

function setUp(
  script: Script,
  options: Partial<Omit<JobRunOptions, 'clock' | 'storage'>> & {
    readonly clock?: ManualClock
    readonly storage?: FakeStorage
  } = {},
) {
  const { clock = new ManualClock(), storage = new FakeStorage(), ...rest } = options
  const plan = options.plan ?? planOf()
  const slots = new FakeSlots(plan, script)
  const events: JobEvent[] = []
  const committed: number[] = []
  const abandoned: number[] = []
  let base: CheckpointManifest | undefined
  const run = new JobRun({
    plan,
    clock,
    random: new SeededRandom(1),
    launcher: slots,
    storage,
    merger: new LocalMerger(storage, clock),
    facts: { millrace: '1', lineage: 'lineage', ancestry: [], workingDirectory: '/', sources: {} },
    foreign: undefined,
    settings: {
      parallelism: 1,
      maxParallelism: 128,
      lineage: 'lineage',
      strict: false,
      allow: [],
      cacheBytesPerSlot: 1,
      channelBytes: 1,
      bufferTimeoutMs: 1,
      autoWatermarkIntervalMs: 1,
    },
    workDirectory: (attempt) => `/state/${attempt}`,
    policy: 'refuse',
    restart: createRestartStrategy({ type: 'fixed-delay', attempts: 100, delayMs: 1_000 }),
    checkpoints: checkpointSettings(10_000),
    progressIntervalMs: 0,
    allowRewind: false,
    allowNonRestoredState: false,
    resetWatermarks: false,
    pathOf: (id) => `/checkpoints/${id}`,
    abandoned: [],
    abandon: async (ids) => void abandoned.push(...ids),
    isCommitted: async (id) => committed.includes(id),
    markCommitted: async (id) => void committed.push(id),
    checkUnchanged: async () => {},
    started: (restored) => {
      base = restored
    },
    deliveries: new Deliveries(),
    onEvent: (event) => events.push(event),
    print: () => undefined,
    failpoint: () => {},
    ...rest,
  })
  const types = () => events.map((event) => event.type)
  return { run, clock, slots, storage, events, types, committed, abandoned, base: () => base }
}

const failure = () => new RestartableError('MR_FUNCTION_FAILED', 'It threw.', { record: '7' })

describe('a run of a job', () => {
  it('ends with a final checkpoint whose commits are noted (R34)', async () => {
    const { run, clock, slots, storage, committed, types } = setUp(finishing)
    const result = await settle(clock, run.run())
    expect(result).toMatchObject({
      status: 'finished',
      lastCheckpoint: { checkpointId: 1, kind: 'final' },
    })
    expect([...storage.manifests.values()].map((one) => one.kind)).toEqual(['final'])
    expect(committed).toEqual([1])
    expect(types()).toEqual(['running', 'checkpoint'])
    expect(slots.launches[0]!.isDestroyed).toBe(true)
    expect(clock.nextDelay).toBeUndefined()
  })

  it('does nothing for a job whose final checkpoint is known to be committed (R34)', async () => {
    const { run, clock, slots, storage, committed } = setUp(finishing)
    storage.manifests.set(4, manifestOf(planOf(), 4, { kind: 'final' }))
    committed.push(4)
    const result = await settle(clock, run.run())
    expect(result).toMatchObject({
      status: 'already-finished',
      lastCheckpoint: { checkpointId: 4, kind: 'final', path: '/checkpoints/4' },
    })
    expect(slots.launches).toEqual([])
  })

  it('only commits what is pending of a final checkpoint, in as many attempts as it takes (R34)', async () => {
    const { run, clock, slots, storage, committed } = setUp((slot, command) => {
      if (command.type !== 'open' || slot.attempt > 1) return false
      slot.fail(new RestartableError('MR_OUTPUT_FAILED', 'The broker is gone.'), 'sink')
      return true
    })
    const manifest = manifestOf(planOf(), 4, { kind: 'final' })
    const pending = Uint8Array.of(1, 2)
    const part = { ...manifest.subtasks[1]!, operatorState: { sink: pending } }
    storage.manifests.set(4, { ...manifest, subtasks: [manifest.subtasks[0]!, part] })
    const result = await settle(clock, run.run())
    expect(result.status).toBe('already-finished')
    expect(committed).toEqual([4])
    expect(slots.launches).toHaveLength(2)
    expect(slots.launches[1]!.types()).toEqual(['check-output', 'prepare-output', 'open', 'cancel'])
    expect(slots.launches[1]!.running[0]!.commands[0]).toMatchObject({
      output: {
        current: { lineage: 'lineage', checkpointId: 4 },
        pending: { sink: [pending] },
      },
    })
    expect(await storage.list()).toEqual([4])
  })

  it('drops the watermarks of what it begins from on request, and of no checkpoint of its own (R12)', async () => {
    const times = { splits: [], times: [], noMoreSplits: false }
    const state = encodeValue(times, 'state')
    const stored = (id: number): CheckpointManifest => {
      const made = manifestOf(planOf(), id)
      const subtasks = made.subtasks.map((part) => {
        return part.vertex === 'source' ? { ...part, operatorState: { source: state } } : part
      })
      return { ...made, subtasks }
    }
    const restored: unknown[] = []
    const { run, clock, storage } = setUp(
      (slot, command) => {
        if (command.type === 'open') restored.push(command.restored.map((part) => part.watermarks))
        if (command.type !== 'run') return false
        if (slot.attempt === 3) slot.finish()
        else slot.fail(failure())
        if (slot.attempt === 2) storage.manifests.set(5, stored(5))
        return false
      },
      { resetWatermarks: true },
    )
    storage.manifests.set(4, stored(4))
    await settle(clock, run.run())
    const dropped = [{ source: null }, { count: null, sink: null }]
    expect(restored).toEqual([dropped, dropped, [{ source: 5 }, { count: 5, sink: 5 }]])
  })

  it('tries a final checkpoint again after a restart (R34)', async () => {
    const { run, clock, storage, events } = setUp(finishing)
    storage.failures = 2
    const result = await settle(clock, run.run())
    expect(result).toMatchObject({ status: 'finished', metrics: { restarts: 2 } })
    expect(events.filter((event) => event.type === 'restarting')).toHaveLength(2)
  })

  it('fails, and names the way out, when a final checkpoint fails for the third time (R34, R38)', async () => {
    const { run, clock, storage, committed } = setUp(finishing)
    storage.failures = 3
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_REPEATED_FAILURE' })
    expect(committed).toEqual([])
  })

  it('starts a new attempt after a failure only when every thread of the old one has ended (R36, R37)', async () => {
    const { run, clock, slots } = setUp((slot, command) => {
      if (command.type !== 'run') return
      if (slot.attempt < 3) slot.fail(failure(), `operator ${slot.attempt}`)
      else slot.finish()
    })
    const before: boolean[][] = []
    slots.onLaunch = () => void before.push(slots.launches.map((launch) => launch.isDestroyed))
    const result = await settle(clock, run.run())
    expect(result.metrics.restarts).toBe(2)
    expect(before).toEqual([[], [true], [true, true]])
    expect(slots.launches.map((launch) => launch.running[0]!.attempt)).toEqual([1, 2, 3])
  })

  it('goes on from the newest checkpoint after a failure', async () => {
    const { run, clock, slots } = setUp((slot, command) => {
      if (command.type === 'checkpoint-completed' && command.checkpointId === 2)
        slot.fail(failure(), 'count')
      if (command.type === 'run' && slot.attempt === 2) slot.finish()
    })
    await settle(clock, run.run())
    const [, second] = slots.launches
    expect(second!.running[0]!.commands[0]).toMatchObject({
      output: { current: { lineage: 'lineage', checkpointId: 2 } },
    })
  })

  it('does not restart a mistake of the user (R38)', async () => {
    const { run, clock, slots } = setUp((slot, command) => {
      if (command.type === 'run')
        slot.fail(new StreamError('MR_BAD_RECORD', 'A bad row.'), 'source')
    })
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_BAD_RECORD' })
    expect(slots.launches).toHaveLength(1)
  })

  it('ends when one failure comes back three times, and counts anew after a checkpoint (R38)', async () => {
    const { run, clock, slots } = setUp((slot, command) => {
      const isTwice = slot.attempt <= 2 && command.type === 'run'
      const isLater = slot.attempt === 3 && command.type === 'checkpoint-completed'
      const isForEver = slot.attempt > 3 && command.type === 'run'
      if (isTwice || isLater || isForEver) slot.fail(failure(), 'count')
    })
    const error = await settle(clock, run.run()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'MR_REPEATED_FAILURE',
      fields: { operator: 'count', checkpointId: 1 },
    })
    // Two, then a checkpoint; the third counts as the first of three.
    expect(slots.launches).toHaveLength(5)
  })

  it('gives up when the restart strategy does', async () => {
    const restart = createRestartStrategy({ type: 'none' })
    const script: Script = (slot, command) => void (command.type === 'run' && slot.fail(failure()))
    const { run, clock } = setUp(script, { restart })
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_FUNCTION_FAILED' })
  })

  /** Fails in its first attempt; what the storage then says is up to the test. */
  const failingOnce: Script = (slot, command) => {
    if (command.type !== 'run') return
    if (slot.attempt === 1) slot.fail(failure(), 'count')
    else slot.finish()
  }
  const busy = () => new RestartableError('MR_CHECKPOINT_FAILED', 'Too many open files.')

  it('tries again when the storage does not answer between two attempts (R38)', async () => {
    const { run, clock, slots, storage, events } = setUp(failingOnce)
    slots.onLaunch = () => void storage.listFailures.push(...[busy(), busy()].slice(events.length))
    const result = await settle(clock, run.run())
    expect(result).toMatchObject({ status: 'finished', metrics: { restarts: 3 } })
    expect(slots.launches.map(({ running }) => running[0]!.attempt)).toEqual([1, 4])
  })

  it('ends when the storage does not answer for the third time, and at once where the run has just begun (R38)', async () => {
    const { run, clock, slots, storage } = setUp(failingOnce)
    slots.onLaunch = () => void storage.listFailures.push(busy(), busy(), busy())
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_REPEATED_FAILURE' })
    expect(slots.launches).toHaveLength(1)
    const first = setUp(failingOnce)
    first.storage.listFailures.push(busy())
    await expect(settle(first.clock, first.run.run())).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_FAILED',
    })
    expect(first.slots.launches).toEqual([])
  })

  it('does not restart when the job file was changed (N18)', async () => {
    const { run, clock, slots } = setUp(
      (slot, command) => void (command.type === 'run' && slot.fail(failure())),
      {
        checkUnchanged: () => Promise.reject(new StreamError('MR_JOB_CHANGED', 'job.ts changed.')),
      },
    )
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_JOB_CHANGED' })
    expect(slots.launches).toHaveLength(1)
  })
})

describe('a stop between two attempts', () => {
  /** Fails in its first attempt, and is told to stop before the second. */
  const stopBetween = async (options: { readonly withSavepoint: boolean }) => {
    const files = new FaultFileSystem(['/jobs/fraud'])
    const clock = new ManualClock()
    const storage = new FakeStorage()
    const savepoints = new Savepoints({
      directory: '/jobs/fraud',
      fileSystem: files,
      clock,
      failpoint: () => {},
      merger: () => new LocalMerger(storage, clock),
      onTaken: () => {},
      onFailed: () => {},
    })
    let taking: Promise<SavepointSummary> | undefined
    const onEvent = (event: JobEvent): void => {
      if (event.type !== 'restarting') return
      if (options.withSavepoint) taking = savepoints.take(undefined)
      // As the command does: the savepoint is wanted before the job is told to stop.
      clock.schedule(500, () => run.stop())
    }
    const script: Script = (slot, command) => {
      if (command.type === 'run' && slot.attempt === 1) slot.fail(failure(), 'count')
    }
    const { run, slots } = setUp(script, { clock, storage, savepoints, onEvent })
    const result = await settle(clock, run.run())
    return { result, slots, storage, savepoint: await taking }
  }

  it('is over at once (R14)', async () => {
    const { result, slots, storage } = await stopBetween({ withSavepoint: false })
    expect(result.status).toBe('stopped')
    expect(slots.launches).toHaveLength(1)
    expect(await storage.list()).toEqual([])
  })

  it('takes one more attempt for the savepoint that it is to leave, which is the last checkpoint too (R14)', async () => {
    const { result, slots, storage, savepoint } = await stopBetween({ withSavepoint: true })
    expect(result.status).toBe('stopped')
    expect(slots.launches).toHaveLength(2)
    expect(storage.manifests.get(1)).toMatchObject({ kind: 'stop' })
    expect(savepoint).toMatchObject({ path: '/jobs/fraud/savepoints/1', checkpointId: 1 })
  })
})

describe('falling back', () => {
  const corrupt = () => new RestartableError('MR_CHECKPOINT_CORRUPT', 'A block is damaged.')

  it('goes back to an older checkpoint when one proves damaged, and notes that first (R3, R27)', async () => {
    const order: string[] = []
    const { run, clock, slots, storage, events } = setUp(
      (slot, command) => {
        if (command.type === 'open' && slot.attempt === 1) {
          slot.fail(corrupt())
          return true
        }
        if (command.type === 'prepare-output')
          order.push(`take back > ${command.output.current.checkpointId}`)
        return finishing(slot, command)
      },
      { abandon: async (ids) => void order.push(`abandon ${ids.join()}`) },
    )
    for (const id of [3, 4, 5]) storage.manifests.set(id, manifestOf(planOf(), id))
    const result = await settle(clock, run.run())
    expect(result).toMatchObject({ status: 'finished', lastCheckpoint: { checkpointId: 6 } })
    expect(order).toEqual(['take back > 5', 'abandon 5', 'take back > 4'])
    expect(events.find((event) => event.type === 'note')).toMatchObject({
      message: expect.stringContaining('checkpoint 5 is damaged'),
    })
    expect(slots.launches[1]!.running[0]!.commands[0]).toMatchObject({
      output: { current: { checkpointId: 4 } },
    })
  })

  it('never goes on from a checkpoint that was gone back behind (R3)', async () => {
    const { run, clock, storage, base, abandoned } = setUp(finishing, { abandoned: [5] })
    for (const id of [4, 5]) storage.manifests.set(id, manifestOf(planOf(), id))
    const result = await settle(clock, run.run())
    expect(base()?.checkpointId).toBe(4)
    expect(result.lastCheckpoint?.checkpointId).toBe(6)
    expect(abandoned).toEqual([])
  })

  it('refuses where that would double output, and runs nothing (R3)', async () => {
    const plan = planOf({
      chains: [[source], [{ ...sink, canTakeBack: false, operatorKind: 'queue' }]],
    })
    const { run, clock, storage, slots, abandoned } = setUp(finishing, { plan })
    for (const id of [4, 5]) storage.manifests.set(id, manifestOf(plan, id))
    storage.damaged.add(5)
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_FALLBACK_REFUSED' })
    expect(slots.launches).toEqual([])
    expect(abandoned).toEqual([])
  })

  it('does not try a damaged snapshot of another lineage again (R3)', async () => {
    const foreign = { manifest: manifestOf(planOf(), 9, { lineage: 'other' }), directory: '/other' }
    const script: Script = (slot, command) => {
      if (command.type === 'open') slot.fail(corrupt())
    }
    const { run, clock, slots } = setUp(script, { foreign })
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_CHECKPOINT_CORRUPT' })
    expect(slots.launches).toHaveLength(1)
  })
})

describe('stopping', () => {
  it('takes a last checkpoint and commits it, and goes on from there the next time (R14)', async () => {
    const { run, clock, storage, committed, types } = setUp((_, command) => {
      if (command.type === 'run') run.stop()
      return false
    })
    const result = await settle(clock, run.run())
    expect(result).toMatchObject({
      status: 'stopped',
      lastCheckpoint: { kind: 'stop', checkpointId: 1 },
    })
    expect([...storage.manifests.values()].map((one) => one.kind)).toEqual(['stop'])
    expect(committed).toEqual([])
    expect(types()).toEqual(['running', 'stopping', 'checkpoint'])
  })

  it('waits for the deployment when it is asked for in the middle of it (R14)', async () => {
    const { run, clock, slots } = setUp((_, command) => {
      if (command.type === 'open') run.stop()
      return false
    })
    const result = await settle(clock, run.run())
    expect(result).toMatchObject({ status: 'stopped', lastCheckpoint: { kind: 'stop' } })
    expect(slots.launches).toHaveLength(1)
  })

  it('starts nothing when it is asked for before the start (R14)', async () => {
    const { run, clock, slots } = setUp(finishing)
    run.stop()
    expect(await settle(clock, run.run())).toMatchObject({
      status: 'stopped',
      lastCheckpoint: undefined,
    })
    expect(slots.launches).toEqual([])
  })

  it('is heard between finding the checkpoint and the start of the attempt (R14)', async () => {
    const { run, clock } = setUp(() => {}, { started: () => run.stop() })
    expect(await settle(clock, run.run())).toMatchObject({ status: 'stopped' })
  })

  it('ends the wait for the next attempt, and leaves no timer (R14)', async () => {
    const { run, clock, slots } = setUp(
      (slot, command) => void (command.type === 'run' && slot.fail(failure())),
      {
        onEvent: (event) => void (event.type === 'restarting' && queueMicrotask(() => run.stop())),
      },
    )
    expect(await settle(clock, run.run())).toMatchObject({ status: 'stopped' })
    expect(clock.elapsed()).toBe(0)
    expect(clock.nextDelay).toBeUndefined()
    expect(slots.launches).toHaveLength(1)
  })

  it('fails with the failure when one comes while it stops (R14)', async () => {
    const { run, clock, slots } = setUp((slot, command) => {
      if (command.type === 'run') run.stop()
      if (command.type !== 'trigger') return false
      slot.fail(failure(), 'count')
      return true
    })
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_FUNCTION_FAILED' })
    expect(slots.launches).toHaveLength(1)
  })

  it('ends with the given error once its threads have ended when it is aborted', async () => {
    const { run, clock, slots } = setUp((_, command) => {
      if (command.type === 'run') run.abort(new StreamError('MR_STOP_TIMEOUT', 'Too long.'))
    })
    await expect(settle(clock, run.run())).rejects.toMatchObject({ code: 'MR_STOP_TIMEOUT' })
    expect(slots.launches.map((launch) => launch.isDestroyed)).toEqual([true])
  })

  it('ends the threads of a launch that is under way when it is aborted (R37)', async () => {
    const { run, clock, slots } = setUp(() => {})
    slots.onLaunch = () => {
      run.abort(new Error('enough'))
      return Promise.resolve()
    }
    await expect(settle(clock, run.run())).rejects.toThrow('enough')
    expect(slots.launches.map((launch) => launch.isDestroyed)).toEqual([true])
    expect(slots.launches[0]!.types()).toEqual(['cancel'])
    expect(clock.nextDelay).toBeUndefined()
  })
})
