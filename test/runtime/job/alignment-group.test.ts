import { beforeEach, describe, expect, it } from 'vitest'
import { AlignmentGroup } from '../../../runtime/job/alignment-group.ts'

const ALIGNMENT = { group: 'all', maxDriftMs: 100, updateIntervalMs: 1_000 }

describe('AlignmentGroup', () => {
  let group: AlignmentGroup

  beforeEach(() => {
    group = new AlignmentGroup()
    group.add('a', ALIGNMENT)
    group.add('b', { ...ALIGNMENT, updateIntervalMs: 2_000, maxDriftMs: 500 })
  })

  function bothAt(a: number, b: number): void {
    group.report('a', a, 'active')
    group.report('b', b, 'active')
  }

  it('is the lowest of the active, Infinity without any; idle and finished ones are left out (semantics 2.6)', () => {
    expect(group.minimum).toBe(-Infinity)
    bothAt(5, 9)
    expect(group.minimum).toBe(5)
    group.report('a', 5, 'idle')
    expect(group.minimum).toBe(9)
    group.report('b', 9, 'finished')
    expect(group.minimum).toBe(Infinity)
    group.report('a', 6, 'active')
    expect(group.minimum).toBe(6)
  })

  it('tells nobody before all have reported, and then at once (semantics 2.6)', () => {
    group.report('a', 5, 'active')
    expect(group.dueAt).toBe(Infinity)
    group.report('b', 7, 'active')
    expect([group.dueAt, group.tell(10), group.dueAt]).toEqual([-Infinity, 5, Infinity])
  })

  it('tells at the interval, the shortest of those set (semantics 2.6)', () => {
    bothAt(5, 7)
    group.tell(10)
    group.report('a', 6, 'active')
    expect(group.dueAt).toBe(1_010)
    group.report('a', 5 + 99, 'active')
    expect(group.minimum).toBe(7)
    expect(group.dueAt).toBe(1_010)
  })

  it('tells sooner what is half of the smallest drift away', () => {
    bothAt(5, 70)
    group.tell(10)
    group.report('a', 54, 'active')
    expect(group.dueAt).toBe(1_010)
    group.report('a', 55, 'active')
    expect(group.dueAt).toBe(20)
  })

  it('tells at once when one becomes idle, ends, is active again or has its first watermark (semantics 2.6)', () => {
    bothAt(-Infinity, 9)
    group.tell(10)
    group.report('a', 2, 'active')
    expect([group.dueAt, group.tell(11)]).toEqual([-Infinity, 2])
    group.report('a', 2, 'idle')
    expect([group.dueAt, group.tell(12)]).toEqual([-Infinity, 9])
    group.report('a', 2, 'active')
    expect([group.dueAt, group.tell(13)]).toEqual([-Infinity, 2])
    group.report('a', 2, 'finished')
    expect([group.dueAt, group.tell(14)]).toEqual([-Infinity, 9])
  })

  it('takes no report of who does not belong to it', () => {
    bothAt(5, 7)
    group.report('c', 1, 'active')
    expect(group.minimum).toBe(5)
  })
})
