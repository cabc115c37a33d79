import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BroadcastMap } from '../../../operators/broadcast/broadcast-map.ts'
import { encodeKey } from '../../../runtime/key-encoding.ts'
import type { Key } from '../../../runtime/key.ts'

const keys: fc.Arbitrary<Key> = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.integer({ min: -3, max: 3 }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.uint8Array({ maxLength: 2 }),
  fc.tuple(fc.string({ maxLength: 2 }), fc.integer({ min: 0, max: 2 })),
)

/** A change as the writing side makes it: a value is put, a key removed, or all of it cleared. */
const changes = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ put: keys, value: fc.jsonValue({ maxDepth: 1 }) }) },
    { weight: 3, arbitrary: fc.record({ remove: keys }) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  ),
  { maxLength: 40 },
)

function entriesOf(map: BroadcastMap): [Key, unknown][] {
  return map.sorted().map(({ key, value }) => [key, value])
}

describe('a broadcast map', () => {
  it('iterates in the order of the encoded keys, and comes back from its bytes as it was (R17)', () => {
    fc.assert(
      fc.property(changes, (made) => {
        const map = new BroadcastMap()
        let model: [Uint8Array, Key, unknown][] = []
        const isOther = (key: Key) => (entry: (typeof model)[number]) =>
          Buffer.compare(entry[0], encodeKey(key)) !== 0
        for (const change of made) {
          if (change === 'clear') {
            map.clear()
            model = []
          } else if ('remove' in change) {
            map.delete(change.remove)
            model = model.filter(isOther(change.remove))
          } else {
            map.set(change.put, structuredClone(change.value))
            model = model.filter(isOther(change.put))
            model.push([encodeKey(change.put), change.put, change.value])
          }
          model.sort(([a], [b]) => Buffer.compare(a, b))
          const expected = model.map(([, key, value]) => [key, value])
          expect(entriesOf(map)).toEqual(expected)
          expect(map.size).toBe(model.length)
          const restored = new BroadcastMap()
          restored.restore(map.encode('rules'), (value) => value)
          expect(entriesOf(restored)).toEqual(expected)
        }
      }),
    )
  })

  it('encodes again only after a change', () => {
    const map = new BroadcastMap()
    map.set('a', { limit: 1 })
    const first = map.encode('rules')
    expect(map.encode('rules')).toBe(first)
    map.set('a', { limit: 2 })
    expect(map.encode('rules')).not.toBe(first)
  })

  it('freezes what it holds, for whoever reads it (R16)', () => {
    const map = new BroadcastMap()
    map.set('a', { limits: [1] })
    const { limits } = map.find('a')!.value as { limits: number[] }
    expect(() => limits.push(2)).toThrow(TypeError)
  })
})
