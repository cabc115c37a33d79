import { beforeEach, describe, expect, it } from 'vitest'
import type { WatermarkStatus } from '../../../runtime/element.ts'
import type { SourceWatermark } from '../../../runtime/messages.ts'
import { type AlignedSource, SlotAlignment } from '../../../runtime/task/slot-alignment.ts'

class TestSource implements AlignedSource {
  readonly vertex: number
  readonly alignment
  readonly minima: number[] = []
  watermark = -Infinity
  status: WatermarkStatus = 'active'

  constructor(vertex: number, group = 'all') {
    this.vertex = vertex
    this.alignment = { group, maxDriftMs: 100, updateIntervalMs: 1_000 }
  }

  align(minimum: number): void {
    this.minima.push(minimum)
  }
}

describe('SlotAlignment', () => {
  let source: TestSource
  let reports: (readonly SourceWatermark[])[]
  let slot: SlotAlignment

  beforeEach(() => {
    source = new TestSource(3)
    reports = []
    slot = new SlotAlignment([source], (sources) => reports.push(sources))
    slot.work(0)
  })

  function reportedAt(now: number): readonly SourceWatermark[] | undefined {
    reports = []
    slot.work(now)
    return reports[0]
  }

  const at = (watermark: number, status: WatermarkStatus = 'active') => [
    { vertex: 3, watermark, status },
  ]

  it('reports at once where a source stands when it starts, and its first watermark (semantics 2.6)', () => {
    expect(reports).toEqual([at(-Infinity)])
    expect([reportedAt(1), slot.nextReport]).toEqual([undefined, Infinity])
    source.watermark = 5
    expect([slot.nextReport, reportedAt(2)]).toEqual([-Infinity, at(5)])
  })

  it('reports once an interval, if there is something to report (semantics 2.6)', () => {
    source.watermark = 5
    slot.work(10)
    source.watermark = 6
    expect([slot.nextReport, reportedAt(1_009), reportedAt(1_010)]).toEqual([
      1_010,
      undefined,
      at(6),
    ])
    expect(reportedAt(5_000)).toBeUndefined()
  })

  it('reports sooner when it has gone through half of the drift', () => {
    source.watermark = 5
    slot.work(10)
    source.watermark = 54
    expect(slot.nextReport).toBe(1_010)
    source.watermark = 55
    expect([slot.nextReport, reportedAt(19), reportedAt(20)]).toEqual([20, undefined, at(55)])
  })

  it('reports at once that a source is idle, active again, at its end (semantics 2.6)', () => {
    for (const status of ['idle', 'active', 'finished'] as const) {
      source.status = status
      expect(reportedAt(1)).toEqual(at(-Infinity, status))
    }
  })

  it('hands on what concerns the group of a source', () => {
    const other = new TestSource(4, 'others')
    slot = new SlotAlignment([source, other], () => {})
    slot.align([
      { group: 'all', minimum: 7 },
      { group: 'nobody', minimum: 8 },
    ])
    expect([source.minima, other.minima]).toEqual([[7], []])
  })
})
