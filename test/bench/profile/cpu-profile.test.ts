import { describe, expect, it } from 'vitest'
import { attribute, type CpuProfile } from '../../../bench/profile/cpu-profile.ts'
import { placeLines, shareRows } from '../../../bench/profile/profile-table.ts'
import { nameThreads } from '../../../bench/profile/threads.ts'

const ROOT = 'file:///project/'

/** A function of a file of the project, of another URL, or native where there is none. */
function node(id: number, name: string, url: string, children: number[] = [], scriptId = '7') {
  const isForeign = url === '' || url.includes(':')
  const callFrame = {
    functionName: name,
    scriptId: url === '' ? '0' : scriptId,
    url: isForeign ? url : ROOT + url,
    lineNumber: 9,
  }
  return { id, callFrame, children }
}

const map = 'operators/map.ts'
const nodes: CpuProfile['nodes'] = [
  // A caller may stand behind those whom it calls.
  node(5, 'push', ''),
  node(1, '(root)', '', [2, 3, 4, 8, 9, 10]),
  node(2, '(idle)', ''),
  node(3, '(garbage collector)', ''),
  node(4, 'processElement', map, [5, 6, 12]),
  node(6, 'get', `${ROOT}node_modules/level/index.js`, [7]),
  node(7, 'get', ''),
  node(8, '(program)', ''),
  node(9, 'processTimers', 'node:internal/timers', [11]),
  node(10, 'runSlot', 'runtime/job/worker.ts'),
  node(11, 'value', 'runtime/state/value-handle.ts'),
  {
    id: 12,
    callFrame: { functionName: 'decode', scriptId: '99', url: '', lineNumber: 0 },
  },
]

/** So many µs in each node, one after another, from 1,000 on. */
function profileOf(us: readonly (readonly [id: number, us: number])[]): CpuProfile {
  const total = us.reduce((sum, [, each]) => sum + each, 0)
  return {
    nodes,
    startTime: 1_000,
    endTime: 1_000 + total,
    samples: [...us.map(([id]) => id), 1],
    timeDeltas: [0, ...us.map(([, each]) => each)],
  }
}

const ALL = { fromUs: 0, toUs: Infinity }

describe('a CPU profile', () => {
  it('counts what is not of the project for the nearest caller that is', () => {
    const profile = profileOf([
      [4, 1],
      [5, 2],
      [6, 4],
      [7, 8],
      [9, 16],
      [11, 32],
    ])
    const { sharesUs, totalUs, places } = attribute(profile, ALL, ROOT)
    expect(Object.fromEntries(sharesUs)).toEqual({ operators: 15, program: 16, state: 32 })
    expect(totalUs).toBe(63)
    expect(places.map(({ place, us }) => [place.name, us])).toEqual([
      ['value runtime/state/value-handle.ts:10', 32],
      ['processTimers', 16],
      // Of a package and native, of one name and one caller.
      ['get in processElement operators/map.ts:10', 12],
      ['push in processElement operators/map.ts:10', 2],
      ['processElement operators/map.ts:10', 1],
    ])
  })

  it('keeps idleness, garbage collection and V8 itself apart, and takes generated code for a codec', () => {
    const profile = profileOf([
      [2, 1],
      [3, 2],
      [8, 4],
      [12, 8],
    ])
    const { sharesUs } = attribute(profile, ALL, ROOT)
    expect(Object.fromEntries(sharesUs)).toEqual({
      idle: 1,
      'garbage collection': 2,
      program: 4,
      serialization: 8,
    })
  })

  it('counts the time within the span only, the parts of samples at its borders too', () => {
    const profile = profileOf([
      [4, 100],
      [2, 100],
      [10, 100],
      [4, 100],
    ])
    const { sharesUs, totalUs } = attribute(profile, { fromUs: 1_070, toUs: 1_250 }, ROOT)
    expect(Object.fromEntries(sharesUs)).toEqual({ operators: 30, idle: 100, job: 50 })
    expect(totalUs).toBe(180)
  })

  it('names threads by what they run, and leaves out those that were not there', () => {
    const planning = node(10, 'run', 'runtime/job/planning-worker.ts')
    const thread = (id: number, running: number[], span = ALL) => {
      const profile = {
        ...profileOf(running.map((one) => [one, 10])),
        nodes: running.includes(10) ? nodes : nodes.map((one) => (one.id === 10 ? planning : one)),
      }
      const file = `CPU.20261127.065539.5955.${id}.00${id}.cpuprofile`
      return { file, profile, attribution: attribute(profile, span, ROOT) }
    }
    const named = nameThreads([
      thread(10, [10, 4]),
      thread(0, [2]),
      thread(1, [4], { fromUs: 5_000, toUs: 6_000 }),
      thread(2, [10, 10, 3]),
    ])
    expect(named.map(({ name, attribution }) => [name, attribution.totalUs])).toEqual([
      ['worker 1', 30],
      ['worker 2', 20],
      ['main', 10],
    ])
    expect(shareRows(named, 2)).toEqual({
      operators: {
        'worker 1': '0.0 %',
        'worker 2': '50.0 %',
        main: '0.0 %',
        'ns an event': '5000',
      },
      job: { 'worker 1': '66.7 %', 'worker 2': '50.0 %', main: '0.0 %', 'ns an event': '15000' },
      'garbage collection': {
        'worker 1': '33.3 %',
        'worker 2': '0.0 %',
        main: '0.0 %',
        'ns an event': '5000',
      },
      idle: { 'worker 1': '0.0 %', 'worker 2': '0.0 %', main: '100.0 %', 'ns an event': '' },
    })
    expect(placeLines(named[0]!.attribution, 1)).toEqual([
      ' 66.7 %  job                 runSlot runtime/job/worker.ts:10',
    ])
    expect(placeLines(named[2]!.attribution, 5)).toEqual([])
  })
})
