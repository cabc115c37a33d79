import { describe, expect, it } from 'vitest'
import { Change } from '../../../runtime/state/change.ts'
import { ChangeLog } from '../../../runtime/state/change-log.ts'
import type { EntryRun } from '../../../runtime/state/entry-run.ts'
import type { StateSnapshot } from '../../../runtime/state/state-backend.ts'
import { entriesOf } from '../../contract/state-harness.ts'

/** A number that changes. */
class Cell extends Change {
  readonly key: number
  value = 0
  settled = 0

  constructor(key: number) {
    super()
    this.key = key
  }

  override get keyGroup(): number {
    return this.key % 7
  }

  override encode(run: EntryRun): void {
    run.beginEntry('put')
    run.writer.u8(this.key >>> 8)
    run.writer.u8(this.key & 0xff)
    run.beginValue()
    run.writer.f64(this.value)
  }

  override settle(): void {
    this.settled++
  }
}

function cells(count: number): Cell[] {
  return Array.from({ length: count }, (_, key) => new Cell(key))
}

function set(log: ChangeLog, cell: Cell, value: number): void {
  if (cell.stamp !== log.interval) log.touch(cell, true)
  cell.value = value
}

function read(snapshot: StateSnapshot): Map<number, number> {
  const found = new Map<number, number>()
  for (const { key, value } of entriesOf(snapshot)) {
    found.set(key[0]! * 256 + key[1]!, new DataView(value.slice().buffer).getFloat64(0, true))
  }
  return found
}

const isOver = () => true

describe('ChangeLog', () => {
  it('encodes a little at a time, whatever the time, and tells when it is done', () => {
    const log = new ChangeLog({ keyGroups: 7 })
    const all = cells(2_000)
    for (const cell of all) set(log, cell, 1)
    const snapshot = log.begin(1, 0)
    let told = 0
    snapshot.onEncoded(() => told++)
    let turns = 1
    while (log.work(isOver)) turns++
    expect([snapshot.isEncoded, told, read(snapshot).size]).toEqual([true, 1, 2_000])
    expect(turns).toBeGreaterThan(3)
    expect(all.every((cell) => cell.settled === 1 && cell.stamp === 0)).toBe(true)
  })

  it('encodes what is changed before its turn as it was at the barrier (R25)', () => {
    const log = new ChangeLog({ keyGroups: 7 })
    const all = cells(2_000)
    for (const cell of all) set(log, cell, 1)
    const snapshot = log.begin(1, 0)
    for (let i = 0; i < 2_000; i++) {
      if (i % 100 === 0) log.work(isOver)
      set(log, all[(i * 7) % 2_000]!, 2)
    }
    while (log.work(isOver));
    expect([...read(snapshot).values()]).toEqual(all.map(() => 1))
    const next = log.begin(2, 1)
    while (log.work(isOver));
    expect([...read(next).values()]).toEqual(all.map(() => 2))
  })

  it('carries on what any number of snapshots did not finish (R24)', () => {
    const log = new ChangeLog({ keyGroups: 7 })
    const all = cells(20_000)
    for (const cell of all) set(log, cell, 1)
    for (let id = 1; id <= 30; id++) {
      const snapshot = log.begin(id, 0)
      log.work(isOver)
      if (id % 2 === 0) log.abort(id)
      expect(snapshot.isEncoded).toBe(false)
      set(log, all[id]!, 100 + id)
      log.encodeEarly(all[id]!)
    }
    const snapshot = log.begin(31, 0)
    while (log.work(isOver));
    const found = read(snapshot)
    expect(found.size).toBe(20_000)
    expect([found.get(0), found.get(1), found.get(30), found.get(31)]).toEqual([1, 101, 130, 1])
  })

  it('drops what the base covers', () => {
    const log = new ChangeLog({ keyGroups: 7 })
    const all = cells(1_200)
    for (const cell of all) set(log, cell, 1)
    log.begin(1, 0)
    log.work(isOver)
    set(log, all[5]!, 2)
    const snapshot = log.begin(2, 1)
    while (log.work(isOver));
    expect([...read(snapshot)]).toEqual([[5, 2]])
    expect(all.every((cell) => cell.stamp === 0)).toBe(true)
  })

  it('uses the memory of what it has encoded again, once the checkpoint is there, until a snapshot needs less', () => {
    const log = new ChangeLog({ keyGroups: 7 })
    const all = cells(20_000)
    const before = log.memoryBytes
    const take = (id: number, round: number): StateSnapshot => {
      for (const cell of all.slice(0, round)) set(log, cell, id)
      const snapshot = log.begin(id, id - 1)
      while (log.work(isOver));
      return snapshot
    }
    const first = take(1, 20_000)
    const most = log.memoryBytes
    expect(most - before).toBeGreaterThan(400_000)
    log.complete(2)
    expect([...read(first)]).toEqual(all.map((_, key) => [key, 1]))
    log.complete(1)
    expect(() => [...read(first)]).toThrow('after it is over')
    const second = take(2, 20_000)
    expect(log.memoryBytes).toBe(most)
    expect([...read(second)]).toEqual(all.map((_, key) => [key, 2]))
    log.complete(2)
    const third = take(3, 1)
    expect([...read(third)]).toEqual([[0, 3]])
    log.complete(3)
    take(4, 0)
    // One run.
    expect(log.memoryBytes - before).toBeLessThan(150_000)
  })

  it('keeps one entry each of what is evicted and changed again and again', () => {
    const log = new ChangeLog({ keyGroups: 7 })
    const all = cells(100)
    let mostBytes = 0
    for (let round = 0; round < 3_000; round++) {
      for (const cell of all) {
        if (cell.stamp !== 0) log.encodeEarly(cell)
        set(log, cell, round)
      }
      log.work(isOver)
      mostBytes = Math.max(mostBytes, log.memoryBytes)
    }
    // 300,000 entries of 11 bytes with 24 of bookkeeping would be 10 MB.
    expect(mostBytes).toBeLessThan(8_000_000)
    const snapshot = log.begin(1, 0)
    while (log.work(isOver));
    expect([...read(snapshot).values()]).toEqual(all.map(() => 2_999))
  })

  it('forgets what came and went, however often', () => {
    const log = new ChangeLog({ keyGroups: 7 })
    for (let i = 0; i < 100_000; i++) {
      const cell = new Cell(i & 0xffff)
      log.touch(cell, false)
      log.leave(cell)
    }
    expect(log.memoryBytes).toBeLessThan(50_000)
    const snapshot = log.begin(1, 0)
    while (log.work(isOver));
    expect(read(snapshot).size).toBe(0)
  })

  it('tells nobody about a snapshot that was aborted before it was encoded', () => {
    const log = new ChangeLog({ keyGroups: 7 })
    for (const cell of cells(2_000)) set(log, cell, 1)
    const snapshot = log.begin(1, 0)
    let told = 0
    snapshot.onEncoded(() => told++)
    log.work(isOver)
    log.abort(1)
    snapshot.onEncoded(() => told++)
    while (log.work(isOver));
    expect([snapshot.isEncoded, told]).toEqual([false, 0])
    expect(() => [...entriesOf(snapshot)]).toThrow(/before it is encoded/)
  })
})
