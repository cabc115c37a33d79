import { expect, test } from 'vitest'
import type { DataStream, KeyedStream } from '../../../operators/streams.ts'
import { eventTimeSessionWindows } from '../../../operators/window/session-windows.ts'
import type { TimeWindow } from '../../../operators/window/time-window.ts'
import type { MergingTrigger } from '../../../operators/window/trigger.ts'
import { ids, type Item, named, runWindows, type Step } from './window-run.ts'

const at = (timestamp: number): Step => ({ key: 'a', timestamp, gap: 10 })

const text = ({ start, end }: TimeWindow): string => `[${start},${end})`

/** Notes all that is done with windows, and leaves a timer behind in each. */
const noting = (notes: string[]): MergingTrigger<Item, TimeWindow> => ({
  onElement(_value, _timestamp, window, { timers }) {
    notes.push(`element ${text(window)}`)
    timers.registerEventTime(window.start + 200)
    return 'continue'
  },
  onEventTime(timestamp, window) {
    notes.push(`timer ${timestamp} ${text(window)}`)
    return timestamp === window.maxTimestamp ? 'fire' : 'continue'
  },
  onProcessingTime: () => 'continue',
  onMerge: (window) => void notes.push(`merge ${text(window)}`),
  clear: (window) => void notes.push(`clear ${text(window)}`),
})

async function noted(given: readonly Step[], lateness = 0): Promise<string[]> {
  const notes: string[] = []
  const build = (keyed: KeyedStream<Item, string>): DataStream<string> =>
    keyed
      .window(eventTimeSessionWindows<Item>(10))
      .trigger(noting(notes))
      .allowedLateness(lateness)
      .aggregate(
        {
          ...ids,
          merge(a, b) {
            notes.push(`contents ${a.join('+')} ${b.join('+')}`)
            return [...a, ...b]
          },
        },
        named,
        { uid: 'windows' },
      )
  const { output, eventTimersLeft } = await runWindows(build, given)
  expect(eventTimersLeft).toBe(0)
  return [...notes, ...output.flat()]
}

test('windows merge in the order onMerge, clear of the old ones, contents, and then comes the record (semantics 2.2)', async () => {
  const notes = await noted([at(0), at(20), at(10)], 1_000)
  expect(notes.slice(0, 7)).toEqual([
    'element [0,10)',
    'element [20,30)',
    'merge [0,30)',
    'clear [0,10)',
    'clear [20,30)',
    'contents 0 1',
    'element [0,30)',
  ])
})

test('a record within an open window is no merge (semantics 2.2)', async () => {
  expect(await noted([at(0), at(5), at(5), at(3)])).toEqual([
    ...['element [0,10)', 'merge [0,15)', 'clear [0,10)', 'element [0,15)'],
    ...['element [0,15)', 'element [0,15)', 'timer 14 [0,15)', 'clear [0,15)', 'a [0,15) 0+1+2+3'],
  ])
})

test('timers of windows that are no more, merged or cleaned up, call no trigger (semantics 2.2)', async () => {
  const notes = await noted([at(0), at(20), at(10), at(50)])
  expect(notes.filter((note) => note.startsWith('timer'))).toEqual([
    'timer 29 [0,30)',
    'timer 59 [50,60)',
  ])
})
