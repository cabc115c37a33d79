import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EntryDeadlines } from '../../../operators/async/entry-deadlines.ts'

interface Entry {
  readonly name: string
  readonly deadline: number
}

function entry(name: string, deadline: number): Entry {
  return { name, deadline }
}

describe('EntryDeadlines', () => {
  it('has nothing due at first', () => {
    const deadlines = new EntryDeadlines<Entry>()
    expect(deadlines.next).toBe(Infinity)
    expect(deadlines.takeTimedOut(1e9)).toBeUndefined()
    expect(deadlines.takeDue(1e9)).toEqual([])
  })

  it('gives out entries at their deadlines, one after another', () => {
    const deadlines = new EntryDeadlines<Entry>()
    for (const at of [5, 5, 9]) deadlines.add(entry(`${at}`, at))
    expect(deadlines.takeTimedOut(4)).toBeUndefined()
    expect(deadlines.takeTimedOut(5)?.name).toBe('5')
    expect(deadlines.takeTimedOut(5)?.name).toBe('5')
    expect(deadlines.takeTimedOut(5)).toBeUndefined()
    expect(deadlines.next).toBe(9)
  })

  it('forgets entries that are settled', () => {
    const deadlines = new EntryDeadlines<Entry>()
    const first = entry('first', 5)
    deadlines.add(first)
    deadlines.add(entry('second', 6))
    deadlines.delete(first)
    expect(deadlines.next).toBe(6)
    expect(deadlines.takeTimedOut(10)?.name).toBe('second')
  })

  it('gives out retries in the order of their time, those of one time as they came', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 30 }), (times) => {
        const deadlines = new EntryDeadlines<Entry>()
        const names = times.map((at, index) => `${at}/${index}`)
        for (const [index, at] of times.entries()) deadlines.retryAt(at, entry(names[index]!, 100))
        expect(deadlines.next).toBe(Math.min(Infinity, ...times))
        const taken: string[] = []
        for (let now = 0; now <= 20; now++) {
          for (const due of deadlines.takeDue(now)) {
            expect(Number(due.name.split('/')[0])).toBe(now)
            taken.push(due.name)
          }
        }
        const order = (name: string): number[] => name.split('/').map(Number)
        const expected = [...names].sort(
          (a, b) => order(a)[0]! - order(b)[0]! || order(a)[1]! - order(b)[1]!,
        )
        expect(taken).toEqual(expected)
      }),
    )
  })

  it('keeps no retry that would come at the deadline or after it (FLINK-38082)', () => {
    const deadlines = new EntryDeadlines<Entry>()
    const one = entry('one', 10)
    deadlines.add(one)
    deadlines.retryAt(10, one)
    deadlines.retryAt(11, one)
    expect(deadlines.takeTimedOut(10)).toBe(one)
    expect(deadlines.next).toBe(Infinity)
    expect(deadlines.takeDue(Infinity)).toEqual([])
  })
})
