import { beforeEach, describe, expect, it } from 'vitest'
import { BoundedLog, SlotLogs } from '../../../runtime/task/slot-log.ts'
import { ManualClock } from '../../../testing/manual-clock.ts'

describe('BoundedLog', () => {
  let clock: ManualClock
  let lines: string[]
  let log: BoundedLog

  beforeEach(() => {
    clock = new ManualClock()
    lines = []
    log = new BoundedLog(
      () => clock.elapsed(),
      (line) => lines.push(line),
    )
  })

  it('formats as console.log does, line by line', () => {
    log.log(['%d of', 3, { a: 1 }])
    log.log(['one\ntwo'])
    expect(lines).toEqual(['3 of { a: 1 }', 'one', 'two'])
  })

  it('passes 200 lines a second on, and tells how many it dropped (N16)', () => {
    for (let i = 0; i < 1_000; i++) log.log([i])
    expect(lines).toHaveLength(200)
    clock.advance(1_000)
    log.log(['next'])
    expect(lines.slice(200)).toEqual(['… 800 lines dropped', 'next'])
  })

  it('tells of drops when nothing more is logged', () => {
    for (let i = 0; i < 201; i++) log.log([i])
    log.roll()
    expect(lines).toHaveLength(200)
    clock.advance(1_000)
    log.roll()
    expect(lines.at(-1)).toBe('… 1 lines dropped')
    for (let i = 0; i < 203; i++) log.log([i])
    log.end()
    log.end()
    expect(lines.at(-1)).toBe('… 3 lines dropped')
    expect(lines).toHaveLength(402)
  })

  it('cuts long lines', () => {
    log.log(['x'.repeat(5_000)])
    expect(lines[0]).toBe(`${'x'.repeat(2_000)}…`)
  })
})

describe('SlotLogs', () => {
  it('bounds each operator by itself, and tells of the drops of all (N16)', () => {
    const clock = new ManualClock()
    const lines: string[] = []
    const logs = new SlotLogs(
      () => clock.elapsed(),
      (uid, subtask, line) => lines.push(`${uid}[${subtask}] ${line}`),
    )
    for (let i = 0; i < 201; i++) logs.log('loud', 1, [i])
    logs.log('quiet', 1, ['hears itself'])
    expect(lines.slice(200)).toEqual(['quiet[1] hears itself'])
    clock.advance(1_000)
    logs.roll()
    expect(lines.slice(201)).toEqual(['loud[1] … 1 lines dropped'])
    for (let i = 0; i < 202; i++) logs.log('loud', 1, [i])
    logs.end()
    expect(lines.at(-1)).toBe('loud[1] … 2 lines dropped')
  })
})
