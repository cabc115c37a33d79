import { expect, it } from 'vitest'
import { aggregatingState, listState, mapState, operatorListState } from 'millrace'
import { reducingState, valueState } from 'millrace'
import {
  bootstrapBroadcast,
  bootstrapOperatorState,
  bootstrapState,
  bootstrapTimers,
  changeState,
  openSnapshot,
  putEntries,
  type Snapshot,
  type StateEdits,
} from 'millrace/state'

// Compiling this file is the test: each `@ts-expect-error` is a wrong use that must not compile.

it('takes entries of the types that a state is declared with', () => {
  const average = aggregatingState({
    create: () => ({ sum: 0 }),
    add: (all, value: number) => ({ sum: all.sum + value }),
    result: (all) => all.sum,
  })
  async function* rows() {
    yield { key: ['a', 1] as const, namespace: 7, value: 'x' }
  }
  const edits: StateEdits = {
    op: {
      value: bootstrapState(valueState<number>(), [{ key: 'a', value: 1 }]),
      list: bootstrapState(listState<string>(), [{ key: 1n, value: ['a'], lastAccess: 5 }]),
      map: putEntries(mapState<string, Date>(), [{ key: 1, value: new Map([['a', new Date()]]) }]),
      reduced: bootstrapState(
        reducingState((a: number, b: number) => a + b),
        [{ key: 'a', value: 1 }],
      ),
      average: bootstrapState(average, [{ key: 'a', value: { sum: 1 } }]),
      text: bootstrapState(valueState<string>(), rows()),
      changed: changeState<number>(({ value, key }) => (key === 'a' ? undefined : value + 1)),
      '!event-timers': bootstrapTimers('event', [{ key: 'a', timestamp: 5 }]),
    },
    rules: { limits: bootstrapBroadcast(mapState<string, number>(), new Map([['a', 1]])) },
  }
  expect(Object.keys(edits)).toEqual(['op', 'rules'])
})

it('refuses others', () => {
  const wrong = [
    // @ts-expect-error a value of another type
    bootstrapState(valueState<number>(), [{ key: 'a', value: 'one' }]),
    // @ts-expect-error one element where a list belongs
    bootstrapState(listState<string>(), [{ key: 'a', value: 'one' }]),
    // @ts-expect-error an object where a map belongs
    bootstrapState(mapState<string, number>(), [{ key: 'a', value: { a: 1 } }]),
    // @ts-expect-error map keys of another type
    putEntries(mapState<string, number>(), [{ key: 'a', value: new Map([[1, 1]]) }]),
    // @ts-expect-error no key
    bootstrapState(valueState<number>(), [{ value: 1 }]),
    // @ts-expect-error what is no key
    bootstrapState(valueState<number>(), [{ key: true, value: 1 }]),
    // @ts-expect-error a value of another type than was read
    changeState<number>(({ value }) => String(value)),
    // @ts-expect-error another clock
    bootstrapTimers('wall', []),
    // @ts-expect-error broadcast state is map state
    bootstrapBroadcast(valueState<number>(), []),
    // @ts-expect-error a value of another type
    bootstrapBroadcast(mapState<string, number>(), [['a', 'b']]),
    // @ts-expect-error items of another type
    bootstrapOperatorState(operatorListState<number>(), ['a']),
    // @ts-expect-error what belongs to keys
    bootstrapOperatorState(listState<number>(), [1]),
  ]
  expect(wrong).toHaveLength(12)
})

it('reads what it is told to', () => {
  const reads = async (snapshot: Snapshot): Promise<number | undefined> => {
    for await (const entry of snapshot.entries<number>({ uid: 'op', state: 'value' })) {
      if (entry.value > 1) return entry.value
    }
    // @ts-expect-error a state needs its name
    await snapshot.get({ uid: 'op' }, 'a')
    // @ts-expect-error without a type it may be anything
    const some: number = await snapshot.get({ uid: 'op', state: 'value' }, 'a')
    return some
  }
  expect(reads).toBeTypeOf('function')
  expect(openSnapshot).toBeTypeOf('function')
})
