import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../runtime/clock.ts'
import { FaultFileSystem, type Operation } from '../harness/fault-file-system.ts'
import { FileSinkJob, OUT, type Phase, type Step } from './file-sink-job.ts'

type Skips = (operation: Operation, phase: Phase) => boolean
type AfterStop = 'kill' | 'power cut' | number

const write = (subtask: 0 | 1, count: number): Step => ({ do: 'write', subtask, count })
const checkpoint = (fate: 'committed' | 'published' | 'aborted'): Step => ({
  do: 'checkpoint',
  fate,
})

/** A life with everything in it: rolls, empty cuts, aborted and unnoticed checkpoints, a way back. */
const LIFE: readonly Step[] = [
  write(0, 9),
  write(1, 2),
  checkpoint('committed'),
  checkpoint('committed'),
  write(0, 1),
  { do: 'age' },
  write(0, 2),
  checkpoint('aborted'),
  write(0, 1),
  write(1, 1),
  checkpoint('published'),
  { do: 'restart', from: 'last' },
  checkpoint('committed'),
  write(1, 3),
  checkpoint('committed'),
  { do: 'restart', from: 'before' },
  checkpoint('committed'),
  write(0, 4),
  checkpoint('committed'),
]

interface Case {
  readonly steps?: readonly Step[]
  /** The machine stops before these operations, counted from the start each time it runs. */
  readonly stops: readonly number[]
  /** `kill` keeps all, `power cut` what was synced, a seed any part of the rest. */
  readonly after: AfterStop
  readonly skips?: Skips
}

/** Runs one life; returns how many operations it took. */
async function live({ steps = LIFE, stops, after, skips }: Case): Promise<FaultFileSystem> {
  const fileSystem = new FaultFileSystem(['/home'])
  const random = typeof after === 'number' ? new SeededRandom(after) : undefined
  const left = [...stops]
  const arm = () => {
    const next = left.shift()
    fileSystem.faults = {
      ...(next === undefined ? {} : { stopAt: fileSystem.operations.length + next }),
      skips: (operation) => skips?.(operation, job.phase) === true,
    }
  }
  const job: FileSinkJob = new FileSinkJob(fileSystem, () => {
    if (after === 'kill') fileSystem.restart()
    else fileSystem.powerCut(random)
    arm()
  })
  arm()
  await job.run(steps)
  return fileSystem
}

/** What goes wrong at any single stop. */
async function failures(skips: Skips | undefined, after: AfterStop): Promise<string[]> {
  const { operations } = await live({ stops: [], after })
  const found: string[] = []
  for (let stop = 0; stop < operations.length; stop++) {
    try {
      await live({ stops: [stop], after, ...(skips === undefined ? {} : { skips }) })
    } catch (error) {
      found.push(`${stop} ${operations[stop]?.kind}: ${(error as Error).message}`)
    }
  }
  return found
}

describe('fileSink through crashes', () => {
  it('commits exactly what published checkpoints hold, killed before any operation (R3, R33)', async () => {
    expect(await failures(undefined, 'kill')).toEqual([])
  })

  it('does so when the power goes before any operation (R26, R33)', async () => {
    expect(await failures(undefined, 'power cut')).toEqual([])
    for (let seed = 1; seed <= 5; seed++) expect(await failures(undefined, seed)).toEqual([])
  })

  const syncs: readonly (readonly [string, Skips])[] = [
    ['of a file', ({ kind }) => kind === 'sync'],
    [
      'of the names of pending files',
      ({ kind }, phase) => kind === 'syncDirectory' && phase === 'cut',
    ],
    ['of finished names', ({ kind }, phase) => kind === 'syncDirectory' && phase === 'commit'],
    [
      'of removed names',
      ({ kind, path }, phase) => kind === 'syncDirectory' && path === OUT && phase === 'prepare',
    ],
    ['of the directory itself', ({ kind, path }) => kind === 'syncDirectory' && path !== OUT],
  ]

  it.each(syncs)('would be seen to fail without the sync %s (R26)', async (_, skips) => {
    expect(await failures(skips, 'power cut')).not.toEqual([])
  })

  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(fc.constantFrom(0, 1), fc.nat(8)).map(([s, n]) => write(s as 0 | 1, n)),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'age' }) },
    {
      weight: 5,
      arbitrary: fc
        .constantFrom(
          'committed' as const,
          'committed' as const,
          'published' as const,
          'aborted' as const,
        )
        .map(checkpoint),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom('last' as const, 'before' as const)
        .map((from): Step => ({ do: 'restart', from })),
    },
  )

  it('commits exactly that in any life, stopped at any moments (R2, R3, R26, R33)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.array(fc.nat(60), { maxLength: 6 }),
        fc.oneof(fc.constantFrom<AfterStop>('kill', 'power cut'), fc.nat()),
        async (steps, stops, after) => {
          await live({ steps, stops, after })
        },
      ),
      { numRuns: 400 },
    )
  })
})
