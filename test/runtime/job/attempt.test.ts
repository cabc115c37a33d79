import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { LocalMerger } from '../../../runtime/checkpoint/segment-merger.ts'
import { checkpointSettings } from '../../../runtime/checkpoint/checkpoint-settings.ts'
import type { Clock } from '../../../runtime/clock.ts'
import { StreamError } from '../../../runtime/errors.ts'
import { Attempt, type AttemptOptions } from '../../../runtime/job/attempt.ts'
import type { AttemptFailure } from '../../../runtime/job/attempt-failure.ts'
import type { JobEvent } from '../../../runtime/job/job-events.ts'
import { JobFigures } from '../../../runtime/job/job-figures.ts'
import { FakeSlots, type Script } from './fake-slots.ts'
import { FakeStorage } from './fake-storage.ts'
import { operatorOf, planOf, sink } from './plans.ts'
import { settle } from './settle.ts'

function setUp(script: Script, options: Partial<AttemptOptions> = {}) {
  const clock = new ManualClock()
  const { plan = planOf({ parallelism: 2 }) } = options
  const storage = new FakeStorage()
  const slots = new FakeSlots(plan, script)
  const events: JobEvent[] = []
  const delivered: unknown[] = []
  const attempt = new Attempt({
    attempt: 3,
    plan,
    clock,
    launcher: slots,
    storage,
    merger: new LocalMerger(storage, clock),
    settings: {
      parallelism: 2,
      maxParallelism: 128,
      lineage: 'l',
      restoredCheckpointId: 0,
      strict: false,
      allow: [],
      cacheBytesPerSlot: 1,
      channelBytes: 1,
      bufferTimeoutMs: 1,
      autoWatermarkIntervalMs: 1,
      workDirectory: '/state/3',
      states: [],
    },
    facts: { millrace: '1', lineage: 'l', ancestry: [], workingDirectory: '/', sources: {} },
    output: {
      current: { lineage: 'l', checkpointId: 0 },
      ancestry: [],
      policy: 'refuse',
      pending: {},
    },
    accepted: async () => {},
    restore: undefined,
    isOver: false,
    lastId: 0,
    keptIds: [],
    checkpoints: checkpointSettings(60_000),
    pathOf: (id) => `/${id}`,
    figures: new JobFigures(plan),
    onEvent: (event) => events.push(event),
    onDelivered: (_uid, id) => delivered.push(id),
    print: () => undefined,
    failpoint: () => {},
    ...options,
  })
  const notes = () => events.flatMap((event) => (event.type === 'note' ? [event.message] : []))
  return { attempt, clock, slots, events, notes, delivered }
}

const finishing: Script = (slot, command) => {
  if (command.type === 'run') slot.finish()
}

async function failureOf(clock: ManualClock, attempt: Attempt): Promise<AttemptFailure> {
  return settle(
    clock,
    attempt.run().then(
      () => {
        throw new Error('it did not fail')
      },
      (failure: AttemptFailure) => failure,
    ),
  )
}

describe('an attempt', () => {
  it('checks and prepares the output in one slot after all have built the graph, and opens all after that', async () => {
    const { attempt, clock, slots } = setUp(finishing)
    expect(await settle(clock, attempt.run())).toMatchObject({ status: 'finished' })
    const [launch] = slots.launches
    expect(launch!.types(0).slice(0, 4)).toEqual(['check-output', 'prepare-output', 'open', 'run'])
    expect(launch!.types(1).slice(0, 2)).toEqual(['open', 'run'])
    expect(launch!.types(1).at(-1)).toBe('cancel')
    expect(launch!.isDestroyed).toBe(true)
  })

  it('lets held sources be read when every subtask has processed what is read first, and tells which are held', async () => {
    const chains = [
      [operatorOf('rules', { type: 'source', readFirst: true })],
      [operatorOf('main', { type: 'source' })],
      [sink],
    ]
    const plan = { ...planOf({ parallelism: 2, chains }), edges: [] }
    const held: unknown[] = []
    const { attempt, clock, slots } = setUp(
      (slot, command) => {
        if (command.type === 'run') {
          held.push(attempt.heldSources)
          slot.report({ type: 'subtask-finished', subtask: { vertex: 0, subtask: slot.index } })
          for (const vertex of [1, 2]) {
            slot.report({ type: 'has-read-first', subtask: { vertex, subtask: slot.index } })
          }
        }
        if (command.type !== 'release-sources') return
        held.push(attempt.heldSources)
        slot.finish()
      },
      { plan },
    )
    expect(attempt.heldSources).toBeUndefined()
    expect(await settle(clock, attempt.run())).toMatchObject({ status: 'finished' })
    const waiting = { sources: ['main'], waitFor: ['rules'] }
    expect(held).toEqual([waiting, waiting, undefined, undefined])
    for (const slot of [0, 1]) {
      expect(slots.launches[0]!.types(slot).filter((type) => type === 'release-sources')).toEqual([
        'release-sources',
      ])
    }
  })

  it('is not accepted, and prepares no output, when a sink refuses what is there (R2)', async () => {
    let isAccepted = false
    const { attempt, clock, slots } = setUp(
      (slot, command) => {
        if (command.type !== 'check-output') return false
        slot.fail(new StreamError('MR_OUTPUT_CONFLICT', 'It holds output of another run.'), 'sink')
        return true
      },
      { accepted: async () => void (isAccepted = true) },
    )
    const { error } = await failureOf(clock, attempt)
    expect(error).toMatchObject({ code: 'MR_OUTPUT_CONFLICT' })
    expect(isAccepted).toBe(false)
    expect(slots.launches[0]!.types(0)).toEqual(['check-output', 'cancel'])
  })

  it('does not end while the directory of the job is being written (R4)', async () => {
    let written!: () => void
    const { attempt, clock } = setUp(finishing, {
      accepted: () => {
        attempt.abort(new Error('It was ended.'))
        return new Promise<void>((resolve) => (written = resolve))
      },
    })
    let hasEnded = false
    const ended = failureOf(clock, attempt).finally(() => (hasEnded = true))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(hasEnded).toBe(false)
    written()
    expect((await ended).error.message).toBe('It was ended.')
  })

  it('fails before it touches any output when a thread builds another graph', async () => {
    const { attempt, clock, slots } = setUp((slot, command) => {
      if (command.type !== 'launch' || slot.index === 0) return false
      setImmediate(() => slot.report({ type: 'built', structuralHash: 'other', nodeNames: [] }))
      return true
    })
    const { error } = await failureOf(clock, attempt)
    expect(error).toMatchObject({ code: 'MR_GRAPH_DIFFERS', fields: { slot: 1 } })
    for (const slot of [0, 1]) expect(slots.launches[0]!.types(slot)).toEqual(['cancel'])
  })

  it('says which slots take long to open, and waits for them all the same', async () => {
    const { attempt, clock, slots, notes } = setUp((slot, command) => {
      if (command.type !== 'open' || slot.index === 0) return finishing(slot, command)
      clock.schedule(40_000, () => slot.answer(command))
      return true
    })
    slots.pulses = false
    expect(await settle(clock, attempt.run())).toMatchObject({ status: 'finished' })
    expect(notes()).toEqual([
      'slots 1 have not opened after 30 s; they wait for state to be restored, or for open() of a function to end',
    ])
    const { notes: none, ...quick } = setUp(finishing)
    await settle(quick.clock, quick.attempt.run())
    expect(none()).toEqual([])
  })

  it('fails when a slot has not reported within 10 s of its deployment (R37)', async () => {
    const { attempt, clock, slots } = setUp(
      (slot, command) => command.type === 'launch' && slot.index === 1,
    )
    slots.pulses = false
    const { error } = await failureOf(clock, attempt)
    expect(error).toMatchObject({ code: 'MR_DEPLOY_TIMEOUT', fields: { missing: [1] } })
    expect(clock.elapsed()).toBe(10_000)
    expect(slots.launches[0]!.types(0)).toEqual(['cancel'])
  })

  it('ignores messages of an earlier attempt (R37)', async () => {
    const { attempt, clock, slots, delivered } = setUp((slot, command) => {
      if (command.type !== 'run') return
      slot.report({ type: 'failed', error: {} as never, operator: undefined }, 2)
      slot.report({ type: 'deliver', uid: 'sink', deliveryId: 'old', values: [] }, 2)
      slot.report({ type: 'deliver', uid: 'sink', deliveryId: 'new', values: [] })
      slot.finish()
    })
    expect(await settle(clock, attempt.run())).toMatchObject({ status: 'finished' })
    expect(slots.launches).toHaveLength(1)
    expect(delivered).toEqual(['new', 'new'])
  })

  it('takes more to print only in the next turn, so that signals and timers have theirs (N16)', async () => {
    const lines: string[] = []
    const { attempt, clock, slots } = setUp(() => {}, { print: (_, text) => void lines.push(text) })
    const running = attempt.run()
    await new Promise((resolve) => setImmediate(resolve))
    const [launch] = slots.launches
    launch!.running[0]!.report({ type: 'print', uid: 'sink', lines: 'é\n' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(lines).toEqual(['é\n'])
    expect(launch!.types(0)).not.toContain('printed')
    clock.runTurns()
    await new Promise((resolve) => setImmediate(resolve))
    expect(launch!.running[0]!.commands.at(-1)).toEqual({
      type: 'printed',
      uid: 'sink',
      bytes: 3,
    })
    attempt.abort(new Error('end of test'))
    await expect(settle(clock, running)).rejects.toBeDefined()
  })

  it('names the operator in which a thread was lost, and does not wait for it to close (R36)', async () => {
    const { attempt, clock, slots } = setUp((slot, command) => {
      if (slot.index === 1 && command.type === 'cancel') return true
      if (slot.index !== 1 || command.type !== 'run') return false
      slot.heartbeat[0] = 2
      slot.launch.lose!(1, new Error('worker exited with code: 0'))
      return true
    })
    const { error, operator } = await failureOf(clock, attempt)
    expect(error).toMatchObject({
      code: 'MR_WORKER_EXITED',
      fields: { slot: 1, operator: 'count' },
    })
    expect(operator).toBe('count')
    expect(clock.elapsed()).toBe(0)
    expect(slots.launches[0]!.isDestroyed).toBe(true)
  })

  it('tells a full heap from other losses (R36)', async () => {
    const { attempt, clock } = setUp((slot, command) => {
      if (command.type !== 'run' || slot.index === 1) return
      const error = Object.assign(new Error('reached memory limit'), {
        code: 'ERR_WORKER_OUT_OF_MEMORY',
      })
      slot.launch.lose!(0, error)
    })
    expect((await failureOf(clock, attempt)).error).toMatchObject({
      code: 'MR_WORKER_OUT_OF_MEMORY',
    })
  })

  it('ends a slot that does not close within 2 s with its thread', async () => {
    const { attempt, clock, slots } = setUp((slot, command) => {
      if (command.type === 'cancel' && slot.index === 0) return true
      return finishing(slot, command)
    })
    expect(await settle(clock, attempt.run())).toMatchObject({ status: 'finished' })
    expect(clock.elapsed()).toBe(2_000)
    expect(slots.launches[0]!.isDestroyed).toBe(true)
  })

  it('fails for good when a thread does not end (R37)', async () => {
    const { attempt, clock, slots } = setUp(finishing)
    slots.isStuck = true
    const { error } = await failureOf(clock, attempt)
    expect(error).toMatchObject({ code: 'MR_WORKER_STUCK', name: 'StreamError' })
    expect(error.message).toContain('run the same command again')
  })

  it('still tells what had failed when a thread then does not end (R37)', async () => {
    const first = new StreamError('MR_FUNCTION_FAILED', 'It threw.')
    const { attempt, clock, slots } = setUp((slot, command) => {
      if (command.type === 'run' && slot.index === 0) slot.fail(first, 'count')
    })
    slots.isStuck = true
    const { error } = await failureOf(clock, attempt)
    expect(error).toMatchObject({ code: 'MR_WORKER_STUCK', cause: { code: 'MR_FUNCTION_FAILED' } })
  })

  it('fails for good when a manifest is still being written 10 s after its end (R37)', async () => {
    const storage = new FakeStorage()
    const { attempt, clock, slots } = setUp(finishing, {
      storage: Object.assign(storage, {
        publish: () => {
          attempt.abort(new Error('the disk does not answer'))
          return new Promise<void>(() => {})
        },
      }),
    })
    const { error } = await failureOf(clock, attempt)
    expect(error).toMatchObject({
      code: 'MR_CHECKPOINT_FAILED',
      name: 'StreamError',
      cause: { message: 'the disk does not answer' },
    })
    expect(clock.elapsed()).toBe(10_000)
    expect(slots.launches[0]!.isDestroyed).toBe(true)
  })

  it('reports a loop that has not turned for 10 s, once, with the operator it is in (R37)', async () => {
    const { attempt, clock, slots, notes } = setUp(() => {})
    const running = attempt.run()
    await new Promise((resolve) => setImmediate(resolve))
    const [busy, stuck] = slots.launches[0]!.running
    stuck!.heartbeat[0] = 2
    const pass = (ms: number): void => {
      for (let second = 0; second < ms; second += 1_000) {
        busy!.heartbeat[1]!++
        clock.advance(1_000)
      }
    }
    pass(9_000)
    expect(notes()).toEqual([])
    pass(20_000)
    expect(notes()).toEqual([
      expect.stringMatching(/^slot 1 has not turned for 10 s; it is in "count"/),
    ])
    stuck!.heartbeat[1]!++
    pass(30_000)
    expect(notes()).toHaveLength(2)
    attempt.abort(new Error('end of test'))
    await expect(settle(clock, running)).rejects.toMatchObject({
      error: { message: 'end of test' },
    })
  })

  it('reports a loop that stands still while it is deployed (R37)', async () => {
    const { attempt, clock, notes } = setUp(
      (slot, command) => command.type === 'open' && slot.index === 0,
    )
    const running = attempt.run()
    await new Promise((resolve) => setImmediate(resolve))
    for (let second = 0; second < 12; second++) clock.advance(1_000)
    expect(notes()[0]).toContain('slot 0 has not turned for 10 s')
    attempt.abort(new Error('end of test'))
    await expect(settle(clock, running)).rejects.toBeDefined()
  })

  it('does not count time in which the whole process was suspended (R37)', async () => {
    let suspendedMs = 0
    const clock = new ManualClock()
    const jumping: Clock = {
      now: () => clock.now(),
      elapsed: () => clock.elapsed() + suspendedMs,
      schedule: (delayMs, callback) => clock.schedule(delayMs, callback),
      nextTurn: (callback) => clock.nextTurn(callback),
    }
    const { attempt, notes } = setUp(() => {}, { clock: jumping })
    const running = attempt.run()
    await new Promise((resolve) => setImmediate(resolve))
    suspendedMs = 3_600_000
    clock.advance(3_000)
    expect(notes()).toEqual([])
    attempt.abort(new Error('end of test'))
    await expect(settle(clock, running)).rejects.toBeDefined()
  })
})
