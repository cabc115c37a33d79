import { describe, expect, it } from 'vitest'
import { SourceRelease } from '../../../runtime/job/source-release.ts'
import type { SlotCommand } from '../../../runtime/messages.ts'
import { operatorOf, planOf, sink } from './plans.ts'

const sourceOf = (name: string, readFirst: boolean) =>
  operatorOf(name, { type: 'source', ...(readFirst ? { readFirst } : {}) })

/** Vertices 0 rules, 1 rates, 2 main and 3 sink, two subtasks each. */
function releaseOf(isMainHeld: boolean): { release: SourceRelease; told: SlotCommand[] } {
  const told: SlotCommand[] = []
  const chains = [
    [sourceOf('rules', true)],
    [sourceOf('rates', true)],
    [sourceOf('main', !isMainHeld)],
    [sink],
  ]
  const plan = { ...planOf({ parallelism: 2, chains }), edges: [] }
  return { release: new SourceRelease(plan, (command) => told.push(command)), told }
}

describe('SourceRelease', () => {
  it.each([0, 5, 7])(
    'releases sources once, when every subtask has ended or has processed what is read first; subtask %d is the last',
    (last) => {
      const { release, told } = releaseOf(true)
      const all = [0, 1, 2, 3].flatMap((vertex) => [0, 1].map((subtask) => ({ vertex, subtask })))
      for (const id of all.filter((_, index) => index !== last)) {
        release.passed(id)
        release.passed(id)
      }
      expect(told).toEqual([])
      release.passed(all[last]!)
      expect(told).toEqual([{ type: 'release-sources' }])
      for (const id of all) release.passed(id)
      expect(told).toHaveLength(1)
    },
  )

  it('names what waits, and those that have not been read to their end by now', () => {
    const { release } = releaseOf(true)
    const sources = ['main']
    expect(release.held).toEqual({ sources, waitFor: ['rules', 'rates'] })
    release.passed({ vertex: 0, subtask: 1 })
    expect(release.held!.waitFor).toEqual(['rules', 'rates'])
    release.passed({ vertex: 0, subtask: 0 })
    expect(release.held!.waitFor).toEqual(['rates'])
    for (const subtask of [0, 1]) release.passed({ vertex: 1, subtask })
    // Read, but not processed everywhere.
    expect(release.held!.waitFor).toEqual(['rules', 'rates'])
    for (const vertex of [2, 3]) for (const subtask of [0, 1]) release.passed({ vertex, subtask })
    expect(release.held).toBeUndefined()
  })

  it('holds nothing where all sources have readFirst', () => {
    const { release, told } = releaseOf(false)
    expect(release.held).toBeUndefined()
    release.passed({ vertex: 0, subtask: 0 })
    expect(told).toEqual([])
  })
})
