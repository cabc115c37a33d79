import { expect, it } from 'vitest'
import type { Key } from '../../../runtime/key.ts'
import { MemoryBackend } from '../../../runtime/state/memory-backend.ts'
import { valueState } from '../../../runtime/state/state.ts'
import { EventTtlTime } from '../../../runtime/state/ttl-time.ts'
import { BackendKeyedContext } from '../../../runtime/task/keyed-context.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { backendContext, within } from '../../contract/state-harness.ts'
import { operatorNode } from './fakes.ts'

const ttl = { duration: 100, timeDomain: 'event' } as const
const SEEN = { ...valueState<number>({ ttl }), name: 'seen' }

async function keyedContext(keys: readonly Key[]) {
  const clock = new ManualClock()
  const backend = new MemoryBackend(backendContext({ clock }))
  const node = operatorNode('op')
  node.eventTime = new EventTtlTime(-Infinity)
  const seen = backend.register(1, 'op', SEEN, node.eventTime)
  const queue = backend.timers('op', 2, 3)
  await backend.restore([])
  const handles = new Map([['seen', seen]])
  const context = new BackendKeyedContext({ backend, node, queue, handles, clock })
  node.eventTime.atRecord(10)
  for (const key of keys) within(backend, key, () => seen.update(1))
  return { backend, node, context, seen }
}

it('visits keys at the timestamp of the record that the visit began with, in whichever turn (R30)', async () => {
  const keys = Array.from({ length: 100 }, (_, i) => i)
  const { backend, node, context, seen } = await keyedContext(keys)
  const eventTime = node.eventTime!
  eventTime.atRecord(50)
  let visited = 0
  const visit = context.visitKeys(SEEN, () => {
    visited++
    seen.update(2)
  })
  let turns = 0
  eventTime.advance(40)
  for (; !visit.isDone; turns++) {
    eventTime.atNothing()
    visit.run(-Infinity)
    // What is done between the pieces is not done at that moment.
    expect(eventTime.access).toBe(40)
  }
  expect(visited).toBe(100)
  expect(turns).toBeGreaterThan(3)
  eventTime.advance(149)
  for (const key of keys) expect(within(backend, key, () => seen.value())).toBe(2)
  eventTime.advance(150)
  for (const key of keys) expect(within(backend, key, () => seen.value())).toBeUndefined()
})

it('names operator and key where a visit to keys fails (R39)', async () => {
  const { context } = await keyedContext(['a', 'b'])
  const visit = context.visitKeys(SEEN, (key) => {
    if (key === 'b') throw new Error('rule is broken')
  })
  expect(() => visit.run(Infinity)).toThrow(
    expect.objectContaining({
      code: 'MR_FUNCTION_FAILED',
      fields: expect.objectContaining({ operator: 'op', key: "'b'" }),
      message: expect.stringMatching(/Operator "op", visit of keys: .*rule is broken.*key 'b'/),
    }),
  )
})
