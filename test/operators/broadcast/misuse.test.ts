import { describe, expect, it } from 'vitest'
import {
  type BroadcastState,
  broadcastProcessFunction,
  collectionSink,
  collectionSource,
  type DataStream,
  type ErrorCode,
  job,
  keyedBroadcastProcessFunction,
  type MapState,
  mapState,
  type Out,
  type StreamError,
  valueState,
} from 'millrace'
import { operatorHarness, testJob } from 'millrace/testing'

// What JavaScript may do though the types forbid it, and what types cannot know.

type Rules = BroadcastState<string, { limit: number; seen: Map<string, number> }>

interface Callbacks {
  readonly element?: (ctx: never) => void
  readonly broadcast?: (ctx: never) => void
  readonly timer?: (ctx: never) => void
}

/** A number is a record of the stream and a broadcast record, in this order. */
function keyedFunction({ element, broadcast, timer }: Callbacks) {
  return keyedBroadcastProcessFunction({
    state: { sum: valueState<number>() },
    broadcastState: { rules: mapState<string, { limit: number; seen: Map<string, number> }>() },
    processElement(_n: number, ctx, _out: Out<unknown>) {
      ctx.timers.registerEventTime(ctx.timestamp)
      element?.(ctx as never)
    },
    processBroadcastElement(_n: number, ctx) {
      broadcast?.(ctx as never)
    },
    onTimer(_timestamp, ctx) {
      timer?.(ctx as never)
    },
  })
}

async function run(callbacks: Callbacks, numbers: readonly number[] = [1, 2]): Promise<void> {
  const harness = await operatorHarness((input: DataStream<number>) =>
    input
      .keyBy((n) => n)
      .connect(input.broadcast())
      .process(keyedFunction(callbacks), { uid: 'tested' }),
  )
  try {
    for (const n of numbers) harness.processElement(n, n * 1_000)
    harness.processWatermark(1_000_000)
  } finally {
    await harness.close()
  }
}

async function failure(callbacks: Callbacks): Promise<StreamError> {
  try {
    await run(callbacks)
  } catch (error) {
    return error as StreamError
  }
  throw new Error('nothing failed')
}

type WriteCtx = { readonly broadcastState: { readonly rules: Rules } }

const put = (ctx: WriteCtx): void => {
  ctx.broadcastState.rules.put('a', { limit: 1, seen: new Map() })
}

describe('broadcast state', () => {
  it.each([
    ['put', put],
    ['remove', (ctx: WriteCtx) => ctx.broadcastState.rules.remove('a')],
    ['clear', (ctx: WriteCtx) => ctx.broadcastState.rules.clear()],
  ])(
    'refuses %s by the side of the stream and by timers, with the way out (semantics 2.18)',
    async (name, write) => {
      for (const side of ['element', 'timer'] as const) {
        const error = await failure({ [side]: write })
        expect(error).toMatchObject({ code: 'MR_STATE_READ_ONLY', fields: { operator: 'tested' } })
        expect(error.message).toContain(`${name}()`)
        expect(error.message).toContain('processBroadcastElement')
      }
    },
  )

  it('has no key, keyed state or timers in processBroadcastElement (semantics 2.18)', async () => {
    for (const what of ['key', 'state', 'timers'] as const) {
      const error = await failure({ broadcast: (ctx) => ctx[what] })
      expect(error).toMatchObject({ code: 'MR_STATE_OUTSIDE_CALLBACK' })
      expect(error.message).toContain('in processBroadcastElement')
    }
  })

  it('is out of reach once the callback has returned, iterators too (R15)', async () => {
    let kept: WriteCtx | undefined
    let rules: Rules | undefined
    let iterator: IterableIterator<unknown> | undefined
    await run({
      broadcast: (ctx: WriteCtx) => {
        // The second time the iterator of the first is used.
        if (iterator !== undefined) {
          expect(() => iterator!.next()).toThrow(
            expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' }),
          )
        }
        put(ctx)
        kept = ctx
        rules = ctx.broadcastState.rules
        iterator = rules.entries()
      },
    })
    const outside = expect.objectContaining({ code: 'MR_STATE_OUTSIDE_CALLBACK' })
    expect(() => kept!.broadcastState).toThrow(outside)
    expect(() => rules!.get('a')).toThrow(outside)
    expect(() => rules!.isEmpty()).toThrow(outside)
    expect(() => rules!.put('a', { limit: 1, seen: new Map() })).toThrow(outside)
    expect(() => iterator!.next()).toThrow(outside)
  })

  it('finds values that were changed in place and not put again, from either side (R16)', async () => {
    const error = await failure({
      broadcast: put,
      timer: (ctx: WriteCtx) => ctx.broadcastState.rules.get('a')!.seen.set('x', 1),
    })
    expect(error).toMatchObject({ code: 'MR_STATE_MUTATED', fields: { state: 'rules' } })
    const written = await failure({
      broadcast: (ctx: WriteCtx) => {
        put(ctx)
        ctx.broadcastState.rules.get('a')!.limit = 2
      },
    })
    expect(written).toMatchObject({ code: 'MR_STATE_MUTATED' })
    const frozen = await failure({
      broadcast: put,
      timer: (ctx: WriteCtx) => {
        ctx.broadcastState.rules.get('a')!.limit = 2
      },
    })
    expect(frozen.message).toContain('read only')
  })

  it('lets a value be changed in place where it is put again, and shares it with nobody (R16)', async () => {
    const given = { limit: 1, seen: new Map<string, number>() }
    const limits: number[] = []
    await run({
      broadcast: (ctx: WriteCtx) => {
        const { rules } = ctx.broadcastState
        const known = rules.get('a') ?? given
        known.limit++
        rules.put('a', known)
        rules.put('b', known)
        known.limit = 100
      },
      timer: (ctx: WriteCtx) => {
        for (const { limit } of ctx.broadcastState.rules.values()) limits.push(limit)
      },
    })
    expect(limits).toEqual([3, 3, 3, 3])
  })

  it('refuses what is no key or no value, naming state and place (R18, R19)', async () => {
    const noValue = await failure({
      broadcast: (ctx: { broadcastState: { rules: MapState<string, unknown> } }) =>
        ctx.broadcastState.rules.put('a', { check: () => true }),
    })
    expect(noValue).toMatchObject({ code: 'MR_VALUE_UNSUPPORTED', fields: { state: 'rules' } })
    expect(noValue.message).toContain(
      'Broadcast state "rules" of operator "tested", key \'a\': the value.check is a function',
    )
    const noKey = await failure({
      broadcast: (ctx: { broadcastState: { rules: MapState<never, unknown> } }) =>
        ctx.broadcastState.rules.get(undefined as never),
    })
    expect(noKey).toMatchObject({ code: 'MR_KEY_INVALID' })
  })

  it('refuses to visit keys of a state that is not declared, or without a function', async () => {
    type Visit = { applyToKeyedState(state: unknown, visit: unknown): void }
    const unknown = await failure({
      broadcast: (ctx: Visit) => ctx.applyToKeyedState('other', () => {}),
    })
    expect(unknown).toMatchObject({ code: 'MR_OPTION_INVALID' })
    expect(unknown.message).toContain('"sum"')
    const nothing = await failure({
      broadcast: (ctx: Visit) => ctx.applyToKeyedState('sum', undefined),
    })
    expect(nothing).toMatchObject({ code: 'MR_GRAPH_INVALID' })
  })

  it('refuses a visit that returns a promise (R15)', async () => {
    const error = await failure({
      element: (ctx: { state: { sum: { update(value: number): void } } }) =>
        ctx.state.sum.update(1),
      broadcast: (ctx: { applyToKeyedState(state: string, visit: unknown): void }) =>
        ctx.applyToKeyedState('sum', async () => {}),
    })
    expect(error).toMatchObject({ code: 'MR_FUNCTION_ASYNC' })
    expect(error.message).toContain('applyToKeyedState')
  })
})

describe('the graph', () => {
  const plain = broadcastProcessFunction({
    broadcastState: { rules: mapState<string, number>() },
    processElement(_n: number, _ctx, _out: Out<number>) {},
    processBroadcastElement(_n: number, _ctx, _out: Out<number>) {},
  })

  async function codeOf(build: (numbers: DataStream<number>) => unknown): Promise<ErrorCode> {
    const declared = job('wrong', {}, (env) => {
      const numbers = env.fromSource(collectionSource([1]), { uid: 'numbers' })
      const out = build(numbers) as DataStream<number>
      out.sinkTo(collectionSink(), { uid: 'out' })
    })
    try {
      await testJob(declared)
    } catch (error) {
      return (error as StreamError).code
    }
    throw new Error('nothing failed')
  }

  it('refuses a broadcast function whose second stream is none, and others where it is one', async () => {
    const keyed = keyedFunction({})
    const wrong: ((numbers: DataStream<number>) => unknown)[] = [
      (numbers) => numbers.connect(numbers as never).process(plain as never, { uid: 'a' }),
      (numbers) =>
        numbers
          .keyBy((n) => n)
          .connect(numbers.keyBy((n) => n))
          .process(keyed as never, { uid: 'a' }),
      (numbers) =>
        numbers
          .keyBy((n) => n)
          .connect(numbers.broadcast())
          .process(plain as never, { uid: 'a' }),
      (numbers) => numbers.connect(numbers.broadcast()).process(keyed as never, { uid: 'a' }),
      (numbers) => numbers.keyBy((n) => n).connect(numbers as never),
    ]
    for (const build of wrong) expect(await codeOf(build)).toBe('MR_GRAPH_INVALID')
  })

  it('refuses broadcast state that is no map state, expires, or has the name of a keyed state', async () => {
    const lists = broadcastProcessFunction({
      broadcastState: { rules: valueState<number>() as never },
      processElement(_n: number, _ctx, _out: Out<number>) {},
      processBroadcastElement(_n: number, _ctx, _out: Out<number>) {},
    })
    const connect = (numbers: DataStream<number>) => numbers.connect(numbers.broadcast())
    expect(await codeOf((numbers) => connect(numbers).process(lists, { uid: 'a' }))).toBe(
      'MR_GRAPH_INVALID',
    )
    const expiring = broadcastProcessFunction({
      broadcastState: { rules: mapState<string, number>({ ttl: '1d' }) },
      processElement(_n: number, _ctx, _out: Out<number>) {},
      processBroadcastElement(_n: number, _ctx, _out: Out<number>) {},
    })
    expect(await codeOf((numbers) => connect(numbers).process(expiring, { uid: 'a' }))).toBe(
      'MR_GRAPH_INVALID',
    )
    const twice = keyedBroadcastProcessFunction({
      state: { rules: valueState<number>() },
      broadcastState: { Rules: mapState<string, number>() },
      processElement(_n: number, _ctx, _out: Out<number>) {},
      processBroadcastElement(_n: number, _ctx, _out: Out<number>) {},
    })
    const both = (numbers: DataStream<number>) =>
      numbers
        .keyBy((n) => n)
        .connect(numbers.broadcast())
        .process(twice, { uid: 'a' })
    expect(await codeOf(both)).toBe('MR_NAME_INVALID')
  })

  it('asks for a uid, as the state has to be found again', async () => {
    const without = (numbers: DataStream<number>) =>
      numbers.connect(numbers.broadcast()).process(plain, {} as never)
    expect(await codeOf(without)).toBe('MR_UID_MISSING')
  })
})
