import fc from 'fast-check'
import {
  boundedOutOfOrderness,
  collectionSink,
  collectionSource,
  type DataStream,
  type DeduplicateChoice,
  job,
} from 'millrace'
import { operatorHarness, type OperatorSnapshot, testJob, verifyOperator } from 'millrace/testing'
import { describe, expect, it } from 'vitest'

interface Click {
  readonly user: string
  readonly id: number
}

const once = (choice: DeduplicateChoice) => (clicks: DataStream<Click>) =>
  clicks.keyBy((click) => click.user).deduplicate({ uid: 'once', ...choice })

const a = (id: number): Click => ({ user: 'a', id })
const b = (id: number): Click => ({ user: 'b', id })

describe('deduplicate, first', () => {
  it('lets the first record of each key pass, and the next one after its time (R30)', async () => {
    await verifyOperator(once({ keep: 'first', ttl: 100 }), {
      input: [
        { value: a(1), timestamp: 1_000 },
        { value: a(2), timestamp: 900 },
        { value: b(3), timestamp: 1_050 },
        { watermark: 1_099 },
        { value: a(4), timestamp: 1_200 },
        { watermark: 1_100 },
        { value: a(5), timestamp: 1_300 },
        { value: b(6), timestamp: 1_300 },
        { watermark: 1_399 },
        { value: a(7), timestamp: 1_400 },
        { value: b(8), timestamp: 1_400 },
      ],
      expected: [a(1), b(3), a(5), b(8)],
    })
  })

  it('keeps timestamps, and counts time from the record that passed, not from those it drops (R30)', async () => {
    const harness = await operatorHarness(once({ keep: 'first', ttl: 100 }))
    harness.processElement(a(1), 1_000)
    harness.processElement(a(2), 1_090)
    harness.processWatermark(1_100)
    harness.processElement(a(3), 1_150)
    expect(harness.outputRecords()).toEqual([
      { value: a(1), timestamp: 1_000 },
      { value: a(3), timestamp: 1_150 },
    ])
    await harness.close()
  })

  it('does not remember a record whose time is over when it comes (R30)', async () => {
    await verifyOperator(once({ keep: 'first', ttl: 100 }), {
      input: [
        { watermark: 1_100 },
        { value: a(1), timestamp: 1_000 },
        { value: a(2), timestamp: 1_001 },
        { value: a(3), timestamp: 1_000 },
      ],
      expected: [a(1), a(2)],
    })
  })

  it('remembers for ever with "never", records without timestamps too', async () => {
    await verifyOperator(once({ keep: 'first', ttl: 'never' }), {
      input: [{ value: a(1) }, { value: a(2) }, { watermark: 1e15 }, { value: a(3) }],
      expected: [a(1)],
    })
  })
})

describe('deduplicate, last', () => {
  it('puts out the record with the highest timestamp when its time is over, and at the end', async () => {
    await verifyOperator(once({ keep: 'last', ttl: 100 }), {
      input: [
        { value: a(1), timestamp: 1_000 },
        { value: a(2), timestamp: 1_050 },
        { value: a(3), timestamp: 1_020 },
        { watermark: 1_149 },
        { value: b(4), timestamp: 1_200 },
        { watermark: 1_150 },
        { value: a(5), timestamp: 1_210 },
      ],
      expected: [a(2), b(4), a(5)],
    })
  })

  it('takes the later arrival of equal timestamps', async () => {
    await verifyOperator(once({ keep: 'last', ttl: 100 }), {
      input: [1, 2, 3].map((id) => ({ value: a(id), timestamp: 1_000 })),
      expected: [a(3)],
    })
  })

  it('gives a record the timestamp at which it is put out, so that it is late for nothing (R30)', async () => {
    const harness = await operatorHarness(once({ keep: 'last', ttl: 100 }))
    harness.processElement(a(1), 1_000)
    harness.processElement(b(2), 1_040)
    harness.processWatermark(1_120)
    harness.processElement(a(3), 1_130)
    harness.endInput()
    expect(harness.outputRecords()).toEqual([
      { value: a(1), timestamp: 1_100 },
      { value: b(2), timestamp: 1_140 },
      { value: a(3), timestamp: 1_230 },
    ])
    await harness.close()
  })

  it('puts out what is kept for ever at the end of the input only, with its own timestamp', async () => {
    const harness = await operatorHarness(once({ keep: 'last', ttl: 'never' }))
    harness.processElement(a(1), 1_000)
    harness.processElement(a(2), 1_001)
    harness.processWatermark(1e15)
    expect(harness.outputValues()).toEqual([])
    harness.endInput()
    expect(harness.outputRecords()).toEqual([{ value: a(2), timestamp: 1_001 }])
    await harness.close()
  })

  it('puts out a record whose time is over when it comes at once, unless there is a later one (R30)', async () => {
    const harness = await operatorHarness(once({ keep: 'last', ttl: 100 }))
    harness.processWatermark(1_100)
    harness.processElement(a(1), 1_000)
    harness.processElement(b(2), 1_001)
    harness.processElement(b(3), 1_000)
    expect(harness.outputRecords()).toEqual([{ value: a(1), timestamp: 1_100 }])
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([1, 1])
    await harness.close()
  })

  it('leaves neither state nor timers behind, and has one timer a key', async () => {
    const harness = await operatorHarness(once({ keep: 'last', ttl: 100 }))
    for (let id = 0; id < 50; id++) harness.processElement(id % 2 === 0 ? a(id) : b(id), 1_000 + id)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([2, 2])
    harness.processWatermark(1_149)
    expect([harness.numKeyedStateEntries, harness.numEventTimeTimers]).toEqual([0, 0])
    expect(harness.outputValues()).toEqual([a(48), b(49)])
    await harness.close()
  })
})

const ascending = (ids: readonly number[]): number[] => ids.toSorted((x, y) => x - y)

describe('deduplicate, last, with another ttl after a restart', () => {
  it('puts out what was kept for ever when its time is over, and what is over by now with the next watermark (R30)', async () => {
    const before = await operatorHarness(once({ keep: 'last', ttl: 'never' }))
    before.processElement(a(1), 1_000)
    before.processElement(a(2), 1_050)
    before.processElement(b(3), 900)
    before.processWatermark(1_080)
    const snapshot = await before.snapshot()
    await before.close()
    const after = await operatorHarness(once({ keep: 'last', ttl: 100 }), { snapshot })
    expect(after.numEventTimeTimers).toBe(2)
    after.processWatermark(1_149)
    after.processWatermark(1_150)
    expect(after.output()).toEqual([
      { value: b(3), timestamp: 1_081 },
      { watermark: 1_149 },
      { value: a(2), timestamp: 1_150 },
      { watermark: 1_150 },
    ])
    expect([after.numKeyedStateEntries, after.numEventTimeTimers]).toEqual([0, 0])
    await after.close()
  })

  it('holds no record longer than its ttl of now, puts out each key once, and none late (R30, semantics 2.5)', async () => {
    const ttl = fc.constantFrom<number | 'never'>(20, 50, 100, 'never')
    const run = fc.record({
      ttl,
      parallelism: fc.integer({ min: 1, max: 3 }),
      clicks: fc.array(
        fc.record({ user: fc.constantFrom(...'abcdef'), ahead: fc.integer({ min: 1, max: 60 }) }),
        { minLength: 1, maxLength: 8, size: 'max' },
      ),
      pass: fc.integer({ min: 0, max: 80 }),
    })
    const runs = fc.array(run, { minLength: 2, maxLength: 4, size: 'max' })
    await fc.assert(
      fc.asyncProperty(runs, async (given) => {
        const kept = new Map<string, { id: number; timestamp: number }>()
        let watermark = 1_000
        let id = 0
        let snapshot: OperatorSnapshot | undefined
        for (const { ttl: now, parallelism, clicks, pass } of given) {
          const harness = await operatorHarness(once({ keep: 'last', ttl: now }), {
            parallelism,
            ...(snapshot === undefined ? {} : { snapshot }),
          })
          const out: Click[] = []
          const advance = (to: number): void => {
            const from = watermark
            harness.processWatermark(to)
            watermark = Math.max(from, to)
            const records = harness.outputRecords().slice(out.length)
            for (const { value, timestamp } of records) {
              out.push(value)
              expect(kept.get(value.user)?.id).toBe(value.id)
              expect(timestamp).toBeGreaterThan(from)
              kept.delete(value.user)
            }
            const ttlMs = now === 'never' ? Infinity : now
            for (const { timestamp } of kept.values()) {
              expect(timestamp + ttlMs).toBeGreaterThan(watermark)
            }
          }
          advance(watermark + 1)
          for (const { user, ahead } of clicks) {
            const timestamp = watermark + ahead
            harness.processElement({ user, id }, timestamp)
            if (timestamp >= (kept.get(user)?.timestamp ?? 0)) kept.set(user, { id, timestamp })
            id++
          }
          advance(watermark + pass)
          expect(harness.numKeyedStateEntries).toBe(kept.size)
          snapshot = await harness.snapshot()
          await harness.close()
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('deduplicate', () => {
  it.each([
    { keep: 'last', ttl: 100 },
    { keep: 'last', ttl: 'never' },
    { keep: 'first', ttl: 100 },
  ] as const)('refuses a record without a timestamp where it goes by time: %o', async (choice) => {
    const harness = await operatorHarness(once(choice))
    expect(() => harness.processElement(a(1))).toThrow(
      expect.objectContaining({ code: 'MR_TIMESTAMP_INVALID' }),
    )
    await harness.close()
  })

  it.each([
    [{ keep: 'both', ttl: 1 }, 'MR_OPTION_INVALID'],
    [{ keep: 'first', ttl: 0 }, 'MR_OPTION_INVALID'],
    [{ keep: 'last', ttl: 0 }, 'MR_OPTION_INVALID'],
    [{ keep: 'first', ttl: -1 }, 'MR_DURATION_INVALID'],
    [{ keep: 'first' }, 'MR_DURATION_INVALID'],
  ])('refuses %o when the graph is built', async (choice, code) => {
    await expect(operatorHarness(once(choice as DeduplicateChoice))).rejects.toMatchObject({ code })
  })

  it('does what plain lists do, random streams with watermarks (R30)', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ user: fc.constantFrom('a', 'b', 'c'), time: fc.nat(40) }),
      },
      { weight: 1, arbitrary: fc.record({ watermark: fc.nat(40) }) },
    )
    const steps = fc.array(step, { maxLength: 80, size: 'max' })
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 30 }), async (list, ttl) => {
        const first = await operatorHarness(once({ keep: 'first', ttl }))
        const last = await operatorHarness(once({ keep: 'last', ttl }))
        const seen = new Map<string, number>()
        const kept = new Map<string, { id: number; time: number }>()
        const expectedFirst: number[] = []
        const expectedLast: number[] = []
        let watermark = -Infinity
        for (const [id, one] of list.entries()) {
          if ('watermark' in one) {
            watermark = Math.max(watermark, one.watermark + id)
            for (const harness of [first, last]) harness.processWatermark(watermark)
            for (const [user, { id: keptId, time }] of kept) {
              if (time + ttl > watermark) continue
              expectedLast.push(keptId)
              kept.delete(user)
            }
            expect(ascending(last.outputValues().map(({ id }) => id))).toEqual(
              ascending(expectedLast),
            )
            continue
          }
          const time = one.time + id
          for (const harness of [first, last]) harness.processElement({ user: one.user, id }, time)
          const passed = seen.get(one.user)
          if (passed === undefined || passed + ttl <= watermark) {
            expectedFirst.push(id)
            seen.set(one.user, time)
          }
          const latest = kept.get(one.user)
          if (latest === undefined && time + ttl <= watermark) expectedLast.push(id)
          else if (latest === undefined || latest.time <= time) kept.set(one.user, { id, time })
        }
        for (const harness of [first, last]) harness.endInput()
        expectedLast.push(...[...kept.values()].map((record) => record.id))
        expect(first.outputValues().map(({ id }) => id)).toEqual(expectedFirst)
        expect(ascending(last.outputValues().map(({ id }) => id))).toEqual(ascending(expectedLast))
        expect(last.numKeyedStateEntries).toBe(0)
        await first.close()
        await last.close()
      }),
      { numRuns: 100 },
    )
  })

  it('passes each key once through crashes, at any parallelism (R30, R40)', async () => {
    const start = Date.UTC(2026, 0, 1)
    const ids = Array.from({ length: 60 }, (_, i) => i)
    const declared = job('once', {}, (env) => {
      const clicks = env
        .fromSource(collectionSource(ids), {
          uid: 'ids',
          watermarks: boundedOutOfOrderness(0, (id) => start + id),
        })
        .map((id) => ({ user: `user-${id % 7}`, id }))
        .keyBy((click) => click.user)
      clicks
        .deduplicate({ uid: 'first', keep: 'first', ttl: '1h' })
        .sinkTo(collectionSink(), { uid: 'first-out' })
      clicks
        .deduplicate({ uid: 'last', keep: 'last', ttl: '1h' })
        .sinkTo(collectionSink(), { uid: 'last-out' })
    })
    const idsOf = (rows: readonly unknown[] | undefined): number[] =>
      (rows as readonly Click[]).map(({ id }) => id).sort((x, y) => x - y)
    for (const [parallelism, seed] of [1, 3].flatMap((p) =>
      [1, 2, 3].map((s) => [p, s] as const),
    )) {
      const { collected, crashes } = await testJob(declared, {
        parallelism,
        seed,
        checkpointInterval: 10,
        crashAt: [{ step: 15 * seed }, { step: 20 }],
      })
      expect(crashes.length).toBeGreaterThan(0)
      expect(idsOf(collected['first-out'])).toEqual(ids.slice(0, 7))
      expect(idsOf(collected['last-out'])).toEqual(ids.slice(-7))
    }
  })
})
