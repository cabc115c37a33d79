import type { TimeWindow } from '../../../operators/window/time-window.ts'
import { type Item, rowText, START, type Step } from './window-run.ts'

interface OpenWindow {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly ids: readonly string[]
}

export interface ModelOptions {
  readonly isEventTime: boolean
  /** The windows of a record, in the order in which it is added to them. */
  readonly assign: (item: Item, time: number) => readonly (readonly [start: number, end: number])[]
  readonly isMerging?: boolean
  readonly lateness?: number
}

/**
 * What windows with the default trigger emit, said with plain arrays: all open windows are looked through at every step.
 */
export function modelWindows(
  given: readonly Step[],
  options: ModelOptions,
): { output: string[][]; late: string[] } {
  const { isEventTime, assign, isMerging = false, lateness = 0 } = options
  let open: OpenWindow[] = []
  let now = START
  // What has passed: up to and including the watermark, or all that is before the clock.
  let passed = isEventTime ? -Infinity : now - 1
  const late: string[] = []
  const row = ({ key, start, end, ids }: OpenWindow): string =>
    rowText(key, { start, end, maxTimestamp: end - 1 } as TimeWindow, ids.join('+'))
  const add = (item: Item): string[] => {
    const rows: string[] = []
    let isSkipped = true
    for (const [start, end] of assign(item, isEventTime ? item.timestamp : now)) {
      const touching = open.filter((other) => {
        if (other.key !== item.key) return false
        return isMerging
          ? other.start <= end && other.end >= start
          : other.start === start && other.end === end
      })
      const window = {
        key: item.key,
        start: Math.min(start, ...touching.map((other) => other.start)),
        end: Math.max(end, ...touching.map((other) => other.end)),
        ids: [...touching.sort((a, b) => a.start - b.start).flatMap(({ ids }) => ids), item.id],
      }
      if (isEventTime && window.end - 1 + lateness <= passed) continue
      isSkipped = false
      open = [...open.filter((other) => !touching.includes(other)), window]
      if (isEventTime && window.end - 1 <= passed) rows.push(row(window))
    }
    if (isSkipped && isEventTime && item.timestamp + lateness <= passed) late.push(item.id)
    return rows
  }
  const pass = (to: number): string[] => {
    const due = open.filter(({ end }) => end - 1 > passed && end - 1 <= to)
    const gone = isEventTime ? lateness : 0
    open = open.filter(({ end }) => end - 1 + gone > to)
    passed = Math.max(passed, to)
    return due.sort((a, b) => a.end - b.end).map(row)
  }
  const output = given.map((step, index): string[] => {
    if ('watermark' in step) return isEventTime ? pass(step.watermark) : []
    if ('advance' in step) {
      now += step.advance
      return isEventTime ? [] : pass(now - 1)
    }
    return add({ ...step, id: String(index) })
  })
  return { output: [...output, pass(Infinity)], late }
}
