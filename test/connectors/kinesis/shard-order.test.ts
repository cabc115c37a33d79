import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import {
  FROM_BEGINNING,
  ownerOf,
  type Shard,
  ShardOrder,
  type ShardOrderState,
} from '../../../connectors/kinesis/shard-order.ts'
import { FakeStream } from './fake-stream.ts'

const DAY_MS = 24 * 3_600_000

/** Splits (true) and merges of shards, drawn. */
const reshardings = fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 25 })

function shardsOf(first: number, changes: readonly (readonly [boolean, number])[]): Shard[] {
  const stream = new FakeStream(first)
  for (const [isSplit, which] of changes) {
    const { id } = stream.open[which % stream.open.length]!
    if (isSplit) stream.split(id)
    else stream.merge(id)
  }
  return stream.shards.map(({ id, parents, first, last }) => ({
    id,
    parents,
    firstHash: String(first),
    lastHash: String(last),
  }))
}

describe('ShardOrder', () => {
  it('hands out each shard once, behind all of its parents, whatever is restored in between', () => {
    const steps = fc.array(
      fc.tuple(fc.constantFrom('finish', 'settle', 'restore', 'list'), fc.nat(50)),
      {
        maxLength: 200,
      },
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        reshardings,
        steps,
        fc.integer({ min: 1, max: 5 }),
        (first, changes, drawn, parallelism) => {
          const all = shardsOf(first, changes)
          let order = new ShardOrder(undefined)
          const readBy = new Map<string, number>()
          const finished = new Map<string, number>()
          const settled = new Set<string>()
          let listed = 0
          const list = (count: number): void => {
            for (const shard of all.slice(listed, (listed = Math.max(listed, count)))) {
              order.add({ ...shard, from: FROM_BEGINNING })
            }
          }
          const take = (): void => {
            for (const { shard, subtask } of order.takeReady(parallelism)) {
              expect(readBy.has(shard.id)).toBe(false)
              expect(subtask).toBeLessThan(parallelism)
              readBy.set(shard.id, subtask)
              for (const parent of shard.parents) {
                expect(finished.has(parent)).toBe(true)
                // On the same way, or nothing on its way any more.
                expect(finished.get(parent) === subtask || settled.has(parent)).toBe(true)
              }
            }
          }
          const finish = (which: number): void => {
            const open = [...readBy.keys()].filter((id) => !finished.has(id))
            const id = open[which % open.length]
            if (id === undefined) return
            finished.set(id, readBy.get(id)!)
            order.finished(id, readBy.get(id)!, 0)
            // Told twice, as after a restore.
            order.finished(id, parallelism, 0)
          }
          const settle = (which: number): void => {
            const open = [...finished.keys()].filter((id) => !settled.has(id))
            const id = open[which % open.length]
            if (id === undefined) return
            settled.add(id)
            order.settled(id)
          }
          list(first)
          for (const [step, which] of drawn) {
            if (step === 'list') list(which)
            else if (step === 'finish') finish(which)
            else if (step === 'settle') settle(which)
            else {
              order = new ShardOrder(JSON.parse(JSON.stringify(order.state)) as ShardOrderState)
              for (const id of finished.keys()) settled.add(id)
            }
            take()
          }
          list(all.length)
          for (let i = 0; i <= 2 * all.length; i++) {
            take()
            finish(0)
            settle(0)
          }
          expect([...readBy.keys()].toSorted()).toEqual(all.map(({ id }) => id).toSorted())
          expect(order.hasWaiting).toBe(false)
        },
      ),
    )
  })

  it('takes a parent that it does not know as finished', () => {
    const order = new ShardOrder(undefined)
    order.add({ id: 'b', parents: ['a'], firstHash: '0', lastHash: '9', from: FROM_BEGINNING })
    expect(order.takeReady(1).map(({ shard }) => shard.id)).toEqual(['b'])
  })

  it('forgets a finished shard when it has gone for a day', () => {
    const order = new ShardOrder(undefined)
    for (const id of ['a', 'b']) {
      order.add({ id, parents: [], firstHash: '0', lastHash: '9', from: FROM_BEGINNING })
    }
    order.takeReady(1)
    order.finished('a', 0, 1_000)
    order.settled('a')
    order.forget(new Set(), 1_000 + DAY_MS)
    expect(order.isKnown('a')).toBe(true)
    order.forget(new Set(['a']), 1_001 + DAY_MS)
    expect(order.isKnown('a')).toBe(true)
    order.forget(new Set(), 1_001 + DAY_MS)
    expect([order.isKnown('a'), order.isKnown('b')]).toEqual([false, true])
  })

  it('gives subtasks equal parts of the hash keys', () => {
    const shards = shardsOf(8, [])
    expect(shards.map((shard) => ownerOf(shard, 4))).toEqual([0, 0, 1, 1, 2, 2, 3, 3])
    expect(shards.map((shard) => ownerOf(shard, 1))).toEqual(Array.from({ length: 8 }, () => 0))
    expect(shardsOf(2, [[false, 0]]).map((shard) => ownerOf(shard, 3))).toEqual([0, 2, 1])
  })
})
