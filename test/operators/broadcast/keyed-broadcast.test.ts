import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  collectionSink,
  collectionSource,
  type DataStream,
  job,
  keyedBroadcastProcessFunction,
  listState,
  mapState,
  monotonousTimestamps,
  type Out,
  valueState,
} from 'millrace'
import { operatorHarness, pause, testJob, verifyOperator } from 'millrace/testing'
import { DEFAULT_MAX_PARALLELISM } from '../../../runtime/job/job-module.ts'
import { keyGroupOf } from '../../../runtime/key-group.ts'

type Command =
  | { readonly kind: 'add'; readonly key: string; readonly n: number }
  | { readonly kind: 'factor'; readonly value: number }
  | { readonly kind: 'report' }
  | { readonly kind: 'reset'; readonly below: number }

/** Sums by key, times a factor that is broadcast; a report tells the sums of all keys, a reset clears small ones. */
const sums = () =>
  keyedBroadcastProcessFunction({
    state: { sum: valueState<number>() },
    broadcastState: { factor: mapState<string, number>() },
    processElement(command: Command, ctx, out: Out<string>) {
      if (command.kind !== 'add') return
      const factor = ctx.broadcastState.factor.get('now') ?? 1
      const sum = (ctx.state.sum.value() ?? 0) + command.n * factor
      ctx.state.sum.update(sum)
      out.emit(`${command.key}=${sum}`)
    },
    processBroadcastElement(command: Command, ctx, out: Out<string>) {
      if (command.kind === 'factor') ctx.broadcastState.factor.put('now', command.value)
      if (command.kind === 'report' || command.kind === 'reset') {
        ctx.applyToKeyedState('sum', (key, sum) => out.emit(`${String(key)}:${sum.value()}`))
      }
      if (command.kind === 'reset') {
        ctx.applyToKeyedState('sum', (_key, sum) => {
          if (sum.value()! < command.below) sum.clear()
        })
      }
    },
  })

const build = (commands: DataStream<readonly Command[]>): DataStream<string> => {
  const all = commands.flatMap((together) => together)
  return all
    .keyBy((command) => (command.kind === 'add' ? command.key : ''))
    .connect(all.broadcast())
    .process(sums(), { uid: 'sums' })
}

const groupOf = (key: string): number => keyGroupOf(key, DEFAULT_MAX_PARALLELISM)

/** The same by an array program. */
function expectedOf(input: readonly (readonly Command[])[]): string[] {
  const totals = new Map<string, number>()
  const out: string[] = []
  let factor = 1
  for (const command of input.flat()) {
    if (command.kind === 'add') {
      const total = (totals.get(command.key) ?? 0) + command.n * factor
      totals.set(command.key, total)
      out.push(`${command.key}=${total}`)
    } else if (command.kind === 'factor') factor = command.value
    else {
      const keys = [...totals.keys()].sort((a, b) => groupOf(a) - groupOf(b) || (a < b ? -1 : 1))
      for (const key of keys) out.push(`${key}:${totals.get(key)}`)
      if (command.kind !== 'reset') continue
      for (const key of keys) if (totals.get(key)! < command.below) totals.delete(key)
    }
  }
  return out
}

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    n: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ kind: fc.constant('factor' as const), value: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('report' as const) }),
  fc.record({ kind: fc.constant('reset' as const), below: fc.integer({ min: 1, max: 30 }) }),
)

describe('a keyed broadcast function', () => {
  it('visits all keys that have the state, in order, before anything that comes behind, however it is interrupted (semantics 2.18, R17)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(commands, { maxLength: 6 }), { maxLength: 6 }),
        async (input) => {
          await verifyOperator(build, {
            input: input.map((value) => ({ value })),
            expected: expectedOf(input),
          })
        },
      ),
      { numRuns: 25 },
    )
  })

  it('goes on at any parallelism as if nothing had happened, each subtask with a copy of what was broadcast (semantics 2.18)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(commands, fc.record({ parallelism: fc.integer({ min: 1, max: 4 }) })), {
          maxLength: 30,
        }),
        async (steps) => {
          const connected = (adds: DataStream<Command>, controls: DataStream<Command>) =>
            adds
              .keyBy((command) => (command.kind === 'add' ? command.key : ''))
              .connect(controls.broadcast())
              .process(sums(), { uid: 'sums' })
          let harness = await operatorHarness(connected, { parallelism: 2 })
          const seen: string[] = []
          for (const step of steps) {
            if ('parallelism' in step) {
              seen.push(...harness.outputValues())
              harness = await harness.restore(await harness.snapshot(), step)
            } else if (step.kind === 'add') harness.processElement1(step)
            else harness.processBroadcastElement(step)
          }
          seen.push(...harness.outputValues())
          await harness.close()
          const input = steps.filter((step) => !('parallelism' in step))
          expect(seen.sort()).toEqual(expectedOf([input as Command[]]).sort())
        },
      ),
      { numRuns: 25 },
    )
  })

  it('lets the keys of each subtask be visited once, through crashes (semantics 2.18)', async () => {
    const keys = Array.from({ length: 12 }, (_, n) => `k${n}`)
    const declared = job('reports', {}, (env) => {
      const adds: Command[] = keys.map((key, n) => ({ kind: 'add', key, n }))
      const controls: Command[] = [{ kind: 'report' }, { kind: 'reset', below: 1_000 }]
      // A pause that is cut short by a crash does not begin anew, so there are several.
      const pauses = Array.from({ length: 5 }, () => pause(60))
      const later = [...controls, { kind: 'report' } as const].flatMap((one) => [...pauses, one])
      env
        .fromSource(collectionSource(adds), { uid: 'adds' })
        .keyBy((command) => (command.kind === 'add' ? command.key : ''))
        .connect(env.fromSource(collectionSource<Command>(later), { uid: 'controls' }).broadcast())
        .process(sums(), { uid: 'sums' })
        // Channels that run out of credit, so that visits are cut short and barriers come meanwhile.
        .rebalance()
        .map((text) => text, { startNewChain: true })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const once = [...keys.map((key, n) => `${key}=${n}`)]
    const twice = keys.map((key, n) => `${key}:${n}`)
    for (const parallelism of [1, 3]) {
      for (let seed = 0; seed < 4; seed++) {
        const { collected } = await testJob(declared, {
          parallelism,
          seed,
          checkpointInterval: '30ms',
          crashAt: [{ step: 30 + seed * 37 }, 'after-publish:2', { step: 700 }],
        })
        expect([...collected['out']!].sort()).toEqual([...once, ...twice, ...twice].sort())
      }
    }
  })

  it('joins a stream with all that was broadcast when its timers fire, through crashes (semantics 2.18, R40)', async () => {
    const START = Date.UTC(2026, 0, 1)
    const joined = keyedBroadcastProcessFunction({
      state: { waiting: listState<number>() },
      broadcastState: { names: mapState<number, string>() },
      processElement(n: number, ctx, _out: Out<string>) {
        ctx.state.waiting.add(n)
        ctx.timers.registerEventTime(START + 1_000_000)
      },
      processBroadcastElement([n, name]: [number, string], ctx) {
        ctx.broadcastState.names.put(n, name)
      },
      onTimer(_timestamp, ctx, out) {
        for (const n of ctx.state.waiting.get()) {
          out.emit(`${n}: ${ctx.broadcastState.names.get(n % 5)}`)
        }
        ctx.state.waiting.clear()
      },
    })
    const names = ['zero', 'one', 'two', 'three', 'four']
    const declared = job('joined', {}, (env) => {
      const watermarks = monotonousTimestamps((n: number) => START + n)
      const numbers = Array.from({ length: 60 }, (_, n) => n)
      const broadcast = env.fromSource(collectionSource([...names.entries()]), {
        uid: 'names',
        watermarks: monotonousTimestamps(([n]: [number, string]) => START + n * 10),
      })
      env
        .fromSource(collectionSource(numbers), { uid: 'numbers', watermarks })
        .keyBy((n) => n % 7)
        .connect(broadcast.broadcast())
        .process(joined, { uid: 'joined' })
        .sinkTo(collectionSink(), { uid: 'out' })
    })
    const expected = Array.from({ length: 60 }, (_, n) => `${n}: ${names[n % 5]}`).sort()
    for (const parallelism of [1, 3]) {
      for (let seed = 0; seed < 6; seed++) {
        const { collected } = await testJob(declared, {
          parallelism,
          seed,
          checkpointInterval: '10ms',
          crashAt: [{ step: 20 + seed * 9 }, 'after-publish:2'],
        })
        expect([...collected['out']!].sort()).toEqual(expected)
      }
    }
  })

  it('uses state with a time to live by event time at the time of the record, one that had to wait too (R30)', async () => {
    const remembering = keyedBroadcastProcessFunction({
      state: { n: valueState<number>({ ttl: { duration: 100, timeDomain: 'event' } }) },
      broadcastState: { last: mapState<string, number>() },
      processElement(n: number, ctx, out: Out<string>) {
        out.emit(`${String(ctx.key)} ${ctx.state.n.value()} before ${n}`)
        ctx.state.n.update(n)
      },
      processBroadcastElement(n: number, ctx, out: Out<string>) {
        if (n < 2)
          ctx.applyToKeyedState('n', (key, state) =>
            out.emit(`${String(key)} has ${state.value()}`),
          )
      },
    })
    const remember = (numbers: DataStream<readonly number[]>) => {
      const all = numbers.flatMap((together) => together)
      return all
        .keyBy((n) => `k${n % 2}`)
        .connect(all.broadcast())
        .process(remembering, { uid: 'n' })
    }
    await verifyOperator(remember, {
      input: [
        // The second record waits for the visits that the first one asks for, and is used at 1050 all the same.
        { value: [0, 2], timestamp: 1_050 },
        { watermark: 1_149 },
        { value: [4], timestamp: 1_149 },
        { watermark: 1_248 },
        { value: [1], timestamp: 1_300 },
      ],
      expected: [
        'k0 undefined before 0',
        'k0 has 0',
        'k0 0 before 2',
        'k0 2 before 4',
        'k1 undefined before 1',
        'k1 has 1',
        'k0 has 4',
      ],
    })
  })

  it('names the function, record and key when a visit fails (R39)', async () => {
    const failing = keyedBroadcastProcessFunction({
      state: { sum: valueState<number>() },
      broadcastState: { factor: mapState<string, number>() },
      processElement(_n: number, ctx, _out: Out<never>) {
        ctx.state.sum.update(1)
      },
      processBroadcastElement(_n: number, ctx) {
        ctx.applyToKeyedState('sum', () => {
          throw new Error('no')
        })
      },
    })
    const harness = await operatorHarness((numbers: DataStream<number>) =>
      numbers
        .keyBy((n) => `key ${n}`)
        .connect(numbers.broadcast())
        .process(failing, { uid: 'failing' }),
    )
    expect(() => harness.processElement(7, 1_000)).toThrow(
      /Operator "failing", applyToKeyedState\("sum"\) for broadcast record 7.*threw.*key 'key 7'/,
    )
    await harness.close()
  })
})
