import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type BadRecord,
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  csv,
  dataGeneratorSource,
  fileSink,
  fileSource,
  job,
  json,
  type Out,
  outputTag,
  processFunction,
  tumblingEventTimeWindows,
  valueState,
} from 'millrace'
import { ABORT, at, FAILPOINTS, ManualClock, pause, testJob } from 'millrace/testing'

interface Order {
  readonly shop: string
  readonly cents: number
  readonly time: number
}

const T0 = Date.UTC(2026, 0, 1)
const LATE = outputTag<Order>('late')
const LARGE = outputTag<string>('large')

/** Revenue by shop and minute, from files to files; what is late is read by nobody. */
const revenue = job('revenue', {}, (env) => {
  const columns = { shop: 'string', cents: 'number', time: 'number' } as const
  env
    .fromSource(fileSource({ path: 'nowhere.csv', format: csv({ columns }) }), {
      uid: 'orders',
      watermarks: boundedOutOfOrderness('10s', (order) => order.time),
    })
    .flatMap((order) => [order])
    .process((order, ctx, out: Out<Order>) => {
      if (order.cents > 1_000) ctx.output(LARGE, order.shop)
      out.emit(order)
    })
    .keyBy((order) => order.shop)
    .window(tumblingEventTimeWindows('1m'))
    .sideOutputLateData(LATE)
    .reduce((a, b) => ({ ...b, cents: a.cents + b.cents }), { uid: 'revenue' })
    .sinkTo(fileSink({ dir: 'nowhere/out', format: json() }), { uid: 'out' })
})

const early: Order = { shop: 'a', cents: 5, time: T0 }
const next: Order = { shop: 'a', cents: 2_000, time: T0 + 1 }
const later: Order = { shop: 'b', cents: 7, time: T0 + 120_000 }
const tooLate: Order = { shop: 'a', cents: 9, time: T0 + 2 }
const orders = [early, next, later, pause(1_000), tooLate]

describe('testJob with other ends', () => {
  it('hands in what sources read, and collects what sinks would write', async () => {
    const { collected } = await testJob(revenue, { inputs: { orders } })
    expect(Object.keys(collected)).toEqual(['out'])
    expect(new Set(collected['out'])).toEqual(new Set([{ ...next, cents: 2_005 }, later]))
  })

  it('collects side outputs, read by the job or not, once each through any crash (R40)', async () => {
    const sideOutputs = [LATE, LARGE]
    for (const point of FAILPOINTS) {
      const result = await testJob(revenue, {
        inputs: { orders },
        sideOutputs,
        crashAt: [{ step: 40 }, point],
        checkpointInterval: 5,
        parallelism: 2,
      })
      expect([point, result.crashes.length]).toEqual([point, 2])
      expectTypeOf(result.sideOutputValues(LATE)).toEqualTypeOf<readonly Order[]>()
      expect(result.sideOutputValues(LATE)).toEqual([tooLate])
      expect(result.sideOutputValues(LARGE)).toEqual(['a'])
      expect(Object.keys(result.collected)).toEqual(['out'])
    }
  })

  it('collects what sources put aside, from the real files of a job', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-job-ends-'))
    await writeFile(join(folder, 'in.jsonl'), '{"n":1}\nnot json\n')
    const bad = outputTag<BadRecord>('bad')
    const reading = job('reading', {}, (env) => {
      const path = join(folder, 'in.jsonl')
      env
        .fromSource(fileSource({ path, format: json(), onError: bad }), { uid: 'in' })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const { collected, sideOutputValues } = await testJob(reading, { sideOutputs: [bad] })
    expect(collected).toEqual({ out: [{ n: 1 }] })
    expect(sideOutputValues(bad)).toMatchObject([{ line: 2 }])
    await rm(folder, { recursive: true })
  })

  it('takes markers among the values: records with timestamps, failures (R40)', async () => {
    const echo = job('echo', {}, (env) => {
      env
        .fromSource(collectionSource<number>([]), { uid: 'numbers' })
        .process((n: number, ctx, out: Out<[number, number]>) => out.emit([n, ctx.timestamp]))
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const { collected, events } = await testJob(echo, {
      inputs: { numbers: [at(1, T0), ABORT, at(2, T0 + 1)] },
    })
    expect(collected['out']).toEqual([
      [1, T0],
      [2, T0 + 1],
    ])
    expect(events.filter(({ type }) => type === 'restarting')).toHaveLength(1)
  })

  it('says which sources there are, and what an input has to be', async () => {
    await expect(testJob(revenue, { inputs: { order: [] } })).rejects.toMatchObject({
      code: 'MR_TEST_INVALID',
      message:
        'testJob: inputs has values for "order", and the job has no such source; nothing would read them; name one of its sources: "orders".',
    })
    const inputs = { orders: early as never }
    await expect(testJob(revenue, { inputs })).rejects.toMatchObject({
      message:
        'testJob: inputs has something of type object for source "orders"; there are no records in it; give an array of them.',
    })
  })

  it('says that a side output was not asked for', async () => {
    const result = await testJob(revenue, { inputs: { orders } })
    expect(() => result.sideOutputValues(LATE)).toThrow(
      'sideOutputValues(): side output "late" was not collected; there is nothing to show; add its tag to sideOutputs in the options of testJob.',
    )
  })
})

/** Says what has had no answer for five seconds of processing time. */
const reminders = () =>
  processFunction({
    state: { asked: valueState<number>() },
    processElement(_question: string, ctx) {
      ctx.state.asked.update(ctx.timers.currentProcessingTime)
      ctx.timers.registerProcessingTime(ctx.timers.currentProcessingTime + 5_000)
    },
    onTimer(timestamp, ctx, out: Out<readonly [string, number, number]>) {
      out.emit([ctx.key as string, ctx.state.asked.value()!, timestamp])
      ctx.state.asked.clear()
    },
  })

function reminderJob(clock: ManualClock, heard: number[]) {
  return job('reminders', {}, (env) => {
    env
      .fromSource(collectionSource<string>(['why', pause(10_000), 'how']), { uid: 'questions' })
      .map((question) => {
        heard.push(clock.now())
        return question
      })
      .keyBy((question) => question)
      .process(reminders(), { uid: 'reminders' })
      .sinkTo(collectionSink(), { uid: 'out' })
  })
}

describe('testJob with a clock', () => {
  it('begins at its time, moves it on, and does what is scheduled on it (R40)', async () => {
    const clock = new ManualClock(T0)
    const heard: number[] = []
    const scheduled: number[] = []
    clock.schedule(7_000, () => scheduled.push(clock.now()))
    const { collected } = await testJob(reminderJob(clock, heard), { clock })
    const [[question, asked, due]] = collected['out'] as [[string, number, number]]
    expect(question).toBe('why')
    expect(asked).toBe(heard[0])
    expect(asked - T0).toBeLessThan(100)
    expect(due).toBe(asked + 5_000)
    expect(scheduled).toEqual([T0 + 7_000])
    expect(heard[1]! - heard[0]!).toBeGreaterThanOrEqual(10_000)
    expect(clock.now()).toBeGreaterThanOrEqual(heard[1]!)
  })

  it('answers asynchronous functions by its time, the same for the same seed (R40)', async () => {
    const run = async (seed: number) => {
      const clock = new ManualClock(T0)
      const asked: [number, number][] = []
      const asking = job('asking', {}, (env) => {
        env
          .fromSource(collectionSource([30, 10, 20]), { uid: 'delays' })
          .asyncMap(
            (delay: number) =>
              new Promise<string>((resolve) => {
                asked.push([delay, clock.now()])
                clock.schedule(delay, () => resolve(`${delay} ms`))
              }),
            { uid: 'answers', ordered: false },
          )
          .sinkTo(collectionSink(), { uid: 'out' })
      })
      const { collected, trace } = await testJob(asking, { clock, seed, crashAt: { step: 60 } })
      return { answers: collected['out'], trace, asked }
    }
    const one = await run(3)
    expect([...(one.answers ?? [])].sort()).toEqual(['10 ms', '20 ms', '30 ms'])
    expect(await run(3)).toEqual(one)
    expect((await run(4)).trace).not.toEqual(one.trace)
  })

  it('says so where waiting is what a job is made of', async () => {
    const run = testJob(reminderJob(new ManualClock(), []), { maxSteps: 500 })
    await expect(run).rejects.toMatchObject({
      code: 'MR_TEST_ENDLESS',
      message: expect.stringMatching(/\d+ ms of virtual time have passed, .*harness/i) as string,
    })
  })

  it('names the failure after which a job that does not end begins again and again', async () => {
    const failing = job('failing', {}, (env) => {
      env
        .fromSource(dataGeneratorSource({ generate: (index) => index, rate: 100 }), {
          uid: 'numbers',
        })
        .asyncMap((n) => (n === 3 ? new Promise<never>(() => {}) : n), { uid: 'ask', timeout: 100 })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    // With a checkpoint in between it is never the same failure three times in a row (R38).
    const run = testJob(failing, { maxSteps: 4_000, checkpointInterval: 10 })
    await expect(run).rejects.toMatchObject({
      code: 'MR_TEST_ENDLESS',
      message: expect.stringMatching(
        /has failed \d+ times and gone on.*Operator "ask", record 3: .* not answered within 100 ms.*give it bounded/,
      ) as string,
      cause: { code: 'MR_ASYNC_TIMEOUT' },
    })
  })

  it('waits for an answer that comes by the clock alone', async () => {
    const clock = new ManualClock(T0)
    const turns: number[] = []
    clock.schedule(500, () => clock.nextTurn(() => turns.push(clock.now())))
    const waiting = job('waiting', {}, (env) => {
      env
        .fromSource(collectionSource(['a', pause(1_000), 'b']), { uid: 'letters' })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    await testJob(waiting, { clock, checkpointInterval: '1h' })
    expect(turns).toHaveLength(1)
    expect(turns[0]).toBeGreaterThanOrEqual(T0 + 500)
    expect(turns[0]).toBeLessThan(T0 + 1_000)
  })
})
