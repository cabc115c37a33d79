import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Change } from '../../../runtime/state/change.ts'
import { ChangeOrder } from '../../../runtime/state/change-order.ts'

class Numbered extends Change {
  override readonly keyGroup: number

  constructor(keyGroup: number) {
    super()
    this.keyGroup = keyGroup
  }

  override encode(): void {}
  override settle(): void {}
}

const groups = fc.array(fc.nat(40), { maxLength: 300, size: 'max' })

describe('ChangeOrder', () => {
  it('gives every change once, many of them by ascending key groups, each group in the order given', () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 50 }), (given, step) => {
        const changes = given.map((group) => new Numbered(group))
        const order = new ChangeOrder(changes)
        for (let i = 0; !order.order(step); i++) expect(i * step).toBeLessThan(given.length)
        const found: (Change | undefined)[] = changes.map(() => order.next())
        expect(order.next()).toBeUndefined()
        const sorted = changes.toSorted((a, b) => a.keyGroup - b.keyGroup)
        expect(found).toEqual(changes.length < 64 ? changes : sorted)
        found.forEach((change, i) =>
          expect(change).toBe(changes.length < 64 ? changes[i] : sorted[i]),
        )
      }),
    )
  })

  it('has all that were not given yet, whenever it is asked', () => {
    fc.assert(
      fc.property(groups, fc.nat(400), fc.nat(400), (given, ordered, taken) => {
        const changes = given.map((group) => new Numbered(group))
        const order = new ChangeOrder(changes)
        const gone = new Set<Change>()
        if (order.order(ordered)) {
          for (let i = 0; i < taken; i++) {
            const change = order.next()
            if (change !== undefined) gone.add(change)
          }
        }
        const rest = order.rest()
        expect([rest.length, order.length]).toEqual([changes.length - gone.size, rest.length])
        expect(new Set(rest)).toEqual(new Set(changes.filter((change) => !gone.has(change))))
      }),
    )
  })
})
