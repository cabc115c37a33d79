import { describe, expect, it, vi } from 'vitest'
import { SimulatedFiles } from '../../testing/simulated-files.ts'
import { FileDisk } from './file-disk.ts'
import { randomSimulation, rescaled, simulate } from './simulate.ts'

const SEEDS = Array.from({ length: 12 }, (_, index) => 12_100 + index)

/** Of the calls to the disk; a checkpoint takes dozens of them, a start up to a hundred. */
const FAULTS = 0.02

describe('simulation on a disk whose calls are slow and fail', { timeout: 60_000 }, () => {
  it('random jobs put out what plain arrays say (R26, R27, R38, R40)', async () => {
    const failed = new Set<string>()
    const changeFiles = vi.spyOn(SimulatedFiles.prototype, 'create')
    for (const seed of SEEDS) {
      const disk = new FileDisk(seed)
      await simulate({ ...randomSimulation(seed), storageFaults: FAULTS }, disk)
      for (const kind of disk.failed.keys()) failed.add(kind)
    }
    // Every kind of call that is made often.
    expect([...failed].sort()).toEqual(
      expect.arrayContaining(['create', 'list', 'makeDirectory', 'read', 'size', 'sync', 'write']),
    )
    // Some have so little memory that changes wait for their checkpoint in files.
    expect(changeFiles.mock.calls.length).toBeGreaterThan(SEEDS.length)
  })

  it('random jobs put out the same, gone on with at other parallelisms (R12, R28, R40)', async () => {
    for (const seed of SEEDS.slice(0, 6)) {
      const simulation = rescaled(randomSimulation(seed), [2, 3, 1])
      await simulate({ ...simulation, storageFaults: FAULTS }, new FileDisk(seed))
    }
  })

  it('random jobs put out the same where the power fails with each of their processes (R26, R40)', async () => {
    let powerCuts = 0
    for (const seed of SEEDS) {
      const disk = new FileDisk(seed, { powerCuts: true })
      await simulate({ ...randomSimulation(seed), storageFaults: FAULTS / 4 }, disk)
      powerCuts += disk.powerCuts
    }
    expect(powerCuts).toBeGreaterThan(SEEDS.length / 2)
  })

  it('random jobs put out the same or are refused where a disk has not synced what it says, never part of it (R3, R27)', async () => {
    let refusals = 0
    for (const seed of SEEDS) {
      const disk = new FileDisk(seed, { powerCuts: true, lostSyncs: 0.3 })
      const simulation = { ...randomSimulation(seed), storageFaults: 0 }
      const end = await simulate(simulation, disk).catch((thrown: Error) => thrown)
      if (!(end instanceof Error)) continue
      const { code } = (end.cause ?? {}) as { code?: string }
      expect(['MR_FALLBACK_REFUSED', 'MR_CHECKPOINT_UNUSABLE'], end.message).toContain(code)
      refusals++
    }
    expect(refusals).toBeGreaterThan(0)
  })
})
