import { beforeEach, describe, expect, it } from 'vitest'
import type { WatermarkStatus } from '../../../runtime/element.ts'
import { SourceAlignment } from '../../../runtime/job/source-alignment.ts'
import type { SlotCommand } from '../../../runtime/messages.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'
import { operatorOf, planOf } from './plans.ts'

const sourceOf = (name: string, group: string) =>
  operatorOf(name, {
    type: 'source',
    alignment: { group, maxDriftMs: 100, updateIntervalMs: 1_000 },
  })

describe('SourceAlignment', () => {
  let clock: ManualClock
  let alignment: SourceAlignment
  let told: SlotCommand[]

  beforeEach(() => {
    clock = new ManualClock()
    told = []
    const plan = planOf({
      parallelism: 2,
      chains: [[sourceOf('a', 'x')], [sourceOf('b', 'x')], [sourceOf('c', 'y')]],
    })
    alignment = new SourceAlignment({ plan, clock, broadcast: (command) => told.push(command) })
  })

  function report(slot: number, vertex: number, watermark: number, status?: WatermarkStatus): void {
    alignment.receive(slot, [{ vertex, watermark, status: status ?? 'active' }])
  }

  function allReport(): void {
    for (const slot of [0, 1]) for (const vertex of [0, 1]) report(slot, vertex, 10 + slot + vertex)
  }

  const tells = (group: string, minimum: number) => ({
    type: 'align',
    groups: [{ group, minimum }],
  })

  it('tells the minimum over all subtasks of all sources of a group, once all have reported (semantics 2.6)', () => {
    allReport()
    expect(told).toEqual([tells('x', 10)])
    report(0, 2, 5)
    report(1, 2, 3)
    expect(told.slice(1)).toEqual([tells('y', 3)])
  })

  it('tells after an interval what has changed, and keeps no timer otherwise (semantics 2.6)', () => {
    allReport()
    expect(clock.nextDelay).toBeUndefined()
    clock.advance(300)
    report(0, 0, 30)
    expect([told.length, clock.nextDelay]).toEqual([1, 700])
    clock.advance(700)
    expect(told.slice(1)).toEqual([tells('x', 11)])
    expect(clock.nextDelay).toBeUndefined()
  })

  it('leaves out who is idle or at its end (semantics 2.6)', () => {
    allReport()
    report(0, 0, 10, 'idle')
    report(1, 0, 11, 'finished')
    report(0, 1, 11, 'finished')
    report(1, 1, 12, 'idle')
    expect(told.slice(1)).toEqual([tells('x', 11), tells('x', 12), tells('x', Infinity)])
  })

  it('says nothing once it is closed', () => {
    allReport()
    report(0, 0, 30)
    alignment.close()
    report(0, 0, 30, 'idle')
    clock.advance(5_000)
    expect([told.length, clock.nextDelay]).toEqual([1, undefined])
  })
})
