import { describe, expect, it } from 'vitest'
import { at, collectionSource, pause } from '../../connectors/collection-source.ts'
import { collectionSink } from '../../connectors/collection-sink.ts'
import type { Out } from '../../operators/collector.ts'
import { coProcessFunction } from '../../operators/co-process.ts'
import { job } from '../../operators/job.ts'
import { processFunction } from '../../operators/process.ts'
import type { DataStream } from '../../operators/streams.ts'
import { monotonousTimestamps } from '../../operators/watermarks.ts'
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  valueState,
} from '../../runtime/state/state.ts'
import type { StateOptions } from '../../runtime/state/state-options.ts'
import { operatorHarness } from '../../testing/operator-harness.ts'
import { testJob } from '../../testing/test-job.ts'
import { verifyOperator } from '../../testing/verify-operator.ts'

const T0 = 1_700_000_000_000

/** Adds a word to state of every kind, and emits what was there before; `?` only looks. */
const everything = (ttl: StateOptions['ttl'] & {}) => (words: DataStream<string>) =>
  words
    .keyBy(() => 'all')
    .process(
      processFunction({
        state: {
          last: valueState<string>({ ttl }),
          words: listState<string>({ ttl }),
          seen: mapState<string, boolean>({ ttl }),
          text: reducingState((a: string, b: string) => `${a}${b}`, { ttl }),
          count: aggregatingState(
            { create: () => 0, add: (n, _word: string) => n + 1, result: (n) => n },
            { ttl },
          ),
        },
        processElement(word: string, ctx, out: Out<string>) {
          const { last, words: list, seen, text, count } = ctx.state
          const found = [last.value(), list.get().join('+'), [...seen.keys()].join('+')]
          out.emit([...found, text.get(), count.get()].join(' '))
          if (word === '?') return
          last.update(word)
          list.add(word)
          seen.put(word, true)
          text.add(word)
          count.add(word)
        },
      }),
      { uid: 'everything' },
    )

describe('state that expires by event time', () => {
  const ttl = { duration: 100, timeDomain: 'event' } as const

  it('counts from records to watermarks, through snapshots and restores between all elements (R30)', async () => {
    await verifyOperator(everything(ttl), {
      input: [
        { value: 'a', timestamp: T0 },
        { value: 'b', timestamp: T0 + 50 },
        { watermark: T0 + 99 },
        { value: '?', timestamp: T0 + 100 },
        { watermark: T0 + 100 },
        { value: '?', timestamp: T0 + 110 },
        { watermark: T0 + 149 },
        { value: 'c', timestamp: T0 + 151 },
        { watermark: T0 + 150 },
        { value: '?', timestamp: T0 + 151 },
        { watermark: T0 + 10_000 },
        // Late: what it writes has expired already.
        { value: 'd', timestamp: T0 },
        { value: '?', timestamp: T0 },
      ],
      expected: [
        '    ',
        'a a a a 1',
        'b a+b a+b ab 2',
        'b b b ab 2',
        'b b b ab 2',
        'c c c abc 3',
        '    ',
        '    ',
      ],
    })
  })

  /** Sets a timer for each record, which emits what has come of its state. */
  const timed = (words: DataStream<string>) =>
    words
      .keyBy((word) => word)
      .process(
        processFunction({
          state: { kept: valueState<string>({ ttl }) },
          processElement(word: string, ctx, _out: Out<string>) {
            ctx.state.kept.update(word)
            for (const after of [60, 99, 100, 9_999]) {
              ctx.timers.registerEventTime(ctx.timestamp + after)
            }
          },
          onTimer(timestamp, ctx, out) {
            out.emit(`${timestamp - T0} ${ctx.state.kept.value() ?? 'gone'}`)
          },
        }),
        { uid: 'timed' },
      )

  it('is there for timers until it has expired, however far the watermark jumps (R30)', async () => {
    await verifyOperator(timed, {
      input: [
        { value: 'w', timestamp: T0 },
        { watermark: T0 + 5_000 },
        { value: 'x', timestamp: T0 + 5_000 },
      ],
      // The final watermark says nothing about time: x is there for all of its timers.
      expected: ['60 w', '99 w', '100 gone', '5060 x', '5099 x', '5100 x', '9999 gone', '14999 x'],
    })
  })

  it('fails for a record without a timestamp, with the way out (R30)', async () => {
    const harness = await operatorHarness(everything(ttl))
    expect(() => harness.processElement('a')).toThrow(
      /State "last" of operator "everything", key 'all': it expires by event time, and the record has no timestamp/,
    )
  })

  it('takes the watermark for last access in processing-time timers (R30)', async () => {
    const harness = await operatorHarness((words: DataStream<string>) =>
      words
        .keyBy((word) => word)
        .process(
          processFunction({
            state: { kept: valueState<string>({ ttl }) },
            processElement(word: string, ctx, out: Out<string>) {
              out.emit(ctx.state.kept.value() ?? 'gone')
              ctx.timers.registerProcessingTime(ctx.timers.currentProcessingTime)
              ctx.state.kept.update(word)
            },
            onTimer(_timestamp, ctx) {
              ctx.state.kept.update('by timer')
            },
          }),
          { uid: 'timed' },
        ),
    )
    harness.processElement('w', T0)
    harness.processWatermark(T0 + 50)
    harness.setProcessingTime(2 * T0)
    harness.processWatermark(T0 + 149)
    harness.processElement('w', T0 + 100)
    expect(harness.outputValues()).toEqual(['gone', 'by timer'])
    await harness.close()
  })

  it('counts from the records of a second input as well (R30)', async () => {
    const pair = job('pair', {}, (env) => {
      const words = [at('w', T0), pause(300), at('tick', T0 + 1_000), pause(300)]
      const watermarks = monotonousTimestamps<string>()
      const second = env.fromSource(collectionSource(words), { uid: 'second', watermarks })
      env
        .fromSource(collectionSource<string>([]), { uid: 'first', watermarks })
        .keyBy((word) => word)
        .connect(second.keyBy((word) => word))
        .process(
          coProcessFunction({
            state: { kept: valueState<string>({ ttl }) },
            processElement1(_word: string, _ctx, _out: Out<string>) {},
            processElement2(word: string, ctx) {
              ctx.state.kept.update(word)
              for (const after of [99, 100]) ctx.timers.registerEventTime(ctx.timestamp + after)
            },
            onTimer(timestamp, ctx, out) {
              out.emit(`${timestamp - T0} ${ctx.state.kept.value() ?? 'gone'}`)
            },
          }),
          { uid: 'pair' },
        )
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const { collected } = await testJob(pair, {})
    expect(collected['out']).toEqual(['99 w', '100 gone', '1099 tick', '1100 tick'])
  })

  it('expires the same through crashes, though records come again (R30, R12)', async () => {
    // Bursts within the time to live, and far apart; a pause behind a tick lets the watermark come close first.
    const bursts = Array.from({ length: 12 }, (_, burst) => [
      at('tick', T0 + burst * 10_000 - 1),
      pause(300),
      ...['a', 'b', 'a', 'c', 'b', 'a'].map((word, i) => at(word, T0 + burst * 10_000 + i)),
    ]).flat()
    const firsts = job('firsts', {}, (env) => {
      env
        .fromSource(collectionSource(bursts), { uid: 'words', watermarks: monotonousTimestamps() })
        .keyBy((word) => word)
        .process(
          processFunction({
            state: {
              count: reducingState((a: number, b: number) => a + b, { ttl }),
              seen: listState<number>({ ttl }),
            },
            processElement(word: string, ctx, out: Out<string>) {
              if (word === 'tick') return
              ctx.state.count.add(1)
              ctx.state.seen.add(1)
              out.emit(`${word}${ctx.state.count.get()}/${ctx.state.seen.get().length}`)
            },
          }),
          { uid: 'firsts' },
        )
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const expected = Array.from({ length: 12 }, () => [
      'a1/1',
      'b1/1',
      'a2/2',
      'c1/1',
      'b2/2',
      'a3/3',
    ])
      .flat()
      .sort()
    for (let seed = 1; seed <= 12; seed++) {
      const result = await testJob(firsts, {
        seed,
        parallelism: 1 + (seed % 2),
        crashAt: [{ step: 100 * seed }, 'after-publish', { step: 200 + 90 * seed }],
      })
      expect(result.crashes.length).toBeGreaterThan(0)
      expect([...result.collected['out']!].sort()).toEqual(expected)
    }
  })
})

describe('state that expires by processing time', () => {
  it('goes by the clock of the machine, renewed by reads where they count (semantics 2.17)', async () => {
    const ttl = { duration: '1m', update: 'onReadAndWrite' } as const
    await verifyOperator(everything(ttl), {
      input: [
        { processingTime: T0 * 2 },
        { value: 'a' },
        { processingTime: T0 * 2 + 59_999 },
        { value: '?' },
        { processingTime: T0 * 2 + 119_998 },
        { value: 'b' },
        { processingTime: T0 * 2 + 179_998 },
        { value: '?' },
      ],
      expected: ['    ', 'a a a a 1', 'a a a a 1', '    '],
    })
  })
})
