import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  broadcastProcessFunction,
  keyedBroadcastProcessFunction,
  mapState,
  type Out,
  valueState,
} from 'millrace'
import { operatorHarness, type TwoInputHarness, verifyOperator } from 'millrace/testing'

interface Order {
  readonly shop: string
  readonly cents: number
}

interface Limit {
  readonly shop: string
  readonly cents: number
}

/** Lets orders through that are below the limit of their shop. */
const below = () =>
  broadcastProcessFunction({
    broadcastState: { limits: mapState<string, number>() },
    processElement(order: Order, ctx, out: Out<number>) {
      if (order.cents < (ctx.broadcastState.limits.get(order.shop) ?? 0)) out.emit(order.cents)
    },
    processBroadcastElement(limit: Limit, ctx) {
      ctx.broadcastState.limits.put(limit.shop, limit.cents)
    },
  })

/** Says when a shop goes over its limit. */
const over = () =>
  keyedBroadcastProcessFunction({
    state: { total: valueState<number>() },
    broadcastState: { limits: mapState<string, number>() },
    processElement(order: Order, ctx, out: Out<string>) {
      const total = (ctx.state.total.value() ?? 0) + order.cents
      ctx.state.total.update(total)
      if (total > (ctx.broadcastState.limits.get(order.shop) ?? Infinity)) {
        out.emit(`${order.shop} ${total}`)
      }
    },
    processBroadcastElement(limit: Limit, ctx) {
      ctx.broadcastState.limits.put(limit.shop, limit.cents)
    },
  })

const keyBy = (order: Order): string => order.shop

describe('operatorHarness with a broadcast input', () => {
  it('takes a function without keys, in every subtask (semantics 2.18)', async () => {
    const harness = await operatorHarness(below(), { parallelism: 3 })
    expectTypeOf(harness).toEqualTypeOf<TwoInputHarness<Order, Limit, number>>()
    harness.processBroadcastElement({ shop: 'a', cents: 10 })
    for (let cents = 7; cents < 13; cents++) harness.processElement1({ shop: 'a', cents })
    expect(harness.outputValues().sort((a, b) => a - b)).toEqual([7, 8, 9])
    await harness.close()
  })

  it('takes a keyed function, and restores it at another parallelism (semantics 2.18)', async () => {
    const before = await operatorHarness(over(), { keyBy })
    expectTypeOf(before).toEqualTypeOf<TwoInputHarness<Order, Limit, string>>()
    before.processBroadcastElement({ shop: 'a', cents: 10 })
    before.processElement1({ shop: 'a', cents: 6 })
    const after = await before.restore(await before.snapshot(), { parallelism: 3 })
    after.processElement1({ shop: 'a', cents: 5 })
    expect(after.outputValues()).toEqual(['a 11'])
    await after.close()
  })

  it('is verified in every mode, rescaled after each element too (semantics 2.18)', async () => {
    await verifyOperator(over(), {
      keyBy,
      ordered: false,
      input: [
        { value1: { shop: 'a', cents: 6 } },
        { value2: { shop: 'a', cents: 10 } },
        { value1: { shop: 'b', cents: 50 } },
        { value1: { shop: 'a', cents: 5 } },
        { value2: { shop: 'b', cents: 50 } },
        { value1: { shop: 'b', cents: 1 } },
      ],
      expected: ['a 11', 'b 51'],
    })
    await verifyOperator(below(), {
      input: [{ value2: { shop: 'a', cents: 10 } }, { value1: { shop: 'a', cents: 9 } }],
      expected: [9],
    })
  })

  it('says whether a broadcast function needs a key', async () => {
    // @ts-expect-error its records need a key
    await expect(operatorHarness(over())).rejects.toMatchObject({
      code: 'MR_TEST_INVALID',
      message: expect.stringContaining('without one key selector') as string,
    })
    const pair = { keyBy: [keyBy, keyBy] } as never
    await expect(operatorHarness(over(), pair)).rejects.toMatchObject({ code: 'MR_TEST_INVALID' })
    await expect(operatorHarness(below(), { keyBy } as never)).rejects.toMatchObject({
      message: expect.stringContaining('leave keyBy out') as string,
    })
  })
})
