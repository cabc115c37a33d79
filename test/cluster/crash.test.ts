import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FAILPOINTS } from '../../runtime/failpoint.ts'
import { SeededRandom } from '../../runtime/clock.ts'
import {
  failureLines,
  namedPointsInOneLife,
  randomKills,
  savepointPoints,
} from '../crash/campaign.ts'
import { runCase } from '../crash/crash-case.ts'
import { type CrashInputs, makeInputs } from '../crash/inputs.ts'
import type { Blow } from '../crash/child-run.ts'
import {
  fraudCase,
  killInChanges,
  killInFold,
  killInGc,
  killInRemoval,
  ledgerCase,
} from '../crash/random-case.ts'
import { BUNDLED, readCards } from '../fraud/card-files.ts'

const ROWS = 8_000
const SEED = 1
const KILLS = 20

let folder: string
let inputs: CrashInputs

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-crash-inputs-'))
  inputs = await makeInputs(readCards(BUNDLED), ROWS, folder)
})

afterAll(() => rm(folder, { recursive: true }))

describe('kill -9', { timeout: 300_000 }, () => {
  it(`leaves no trace in the output, ${KILLS} times at random moments (R1, R3, R14, R33, R34)`, async () => {
    const campaign = await randomKills({ seed: SEED, kills: KILLS, inputs, tell: () => {} })
    expect(failureLines(campaign)).toEqual([])
    expect(campaign.kills).toBe(KILLS)
  })

  it.each(['fraud', 'ledger'] as const)(
    'leaves none where each run goes on at another parallelism: %s, 1 → 3 → 2 → 7 (R12, R31, R33, semantics 2.8)',
    async (name) => {
      const draw = name === 'fraud' ? fraudCase : ledgerCase
      const settings = {
        parallelism: 1,
        goesOnAt: [3, 2, 7],
        checkpointIntervalMs: 150,
        seconds: 120,
      }
      const { one, label } = draw(new SeededRandom(SEED), inputs, settings)
      // Each run but the last is killed when it has completed a checkpoint of its own.
      const kill = { kind: 'kill', at: { after: 'checkpoint', nth: 2, delayMs: 40 } } as const
      const params = name === 'ledger' ? { ...one.params, note: 200 } : one.params
      const short = { params, memory: undefined, writesChanges: false, input: inputs.eight }
      const outcome = await runCase({ ...one, ...short }, [kill, kill, kill])
      expect(outcome.problems, label).toEqual([])
      expect(outcome.rescales).toEqual([
        'parallelism 1 → 3',
        'parallelism 3 → 2',
        'parallelism 2 → 7',
      ])
    },
  )

  /** A life that lasts long enough for everything, in which the least state is loaded late. */
  const longLife = (seconds: number) => {
    const settings = { parallelism: 2, checkpointIntervalMs: 60, seconds, loadsLate: true }
    return fraudCase(new SeededRandom(SEED), inputs, settings).one
  }
  const atLast = { after: 'running', nth: 1, delayMs: 30_000 } as const

  it('leaves none in the middle of a fold, of a removal and of millrace checkpoints gc (R1, R26, R28, R29)', async () => {
    const left = { kind: 'kill', at: { after: 'begun', nth: 3, delayMs: 3 } } as const
    const blows = [killInFold(5, atLast), left, killInGc(1), killInRemoval(3, atLast)]
    const { problems, hits } = await runCase(longLife(40), [...blows, killInFold(2, atLast)])
    expect(problems).toEqual([])
    expect(hits.filter((hit) => hit === 'a fold')).toHaveLength(2)
    expect(hits).toEqual(expect.arrayContaining(['a removal', 'a run that loads state late']))
  })

  it('leaves none where changes wait for their checkpoint in files, in the middle of writing one too (R22, R24, R25)', async () => {
    const settings = { parallelism: 2, checkpointIntervalMs: 400, seconds: 6, loadsLate: true }
    const cases = Array.from({ length: 20 }, (_, seed) =>
      ledgerCase(new SeededRandom(seed), inputs, settings),
    )
    const { one } = cases.find((drawn) => drawn.one.writesChanges === true)!
    const blows = [killInChanges(5, atLast), killInChanges(2, atLast)]
    const { problems, hits, changeFiles } = await runCase(one, blows)
    expect(problems).toEqual([])
    expect(hits.filter((hit) => hit === 'a file of changes')).toHaveLength(2)
    expect(changeFiles).toBeGreaterThan(0)
  })

  it('leaves none where the disk is slow and fails for a while, whether the job lives through it or not (R24, R26, R38)', async () => {
    const faults = { seed: SEED, fromMs: 600, forMs: 2_500, slowMs: 10 }
    const blow = (probability: number): Blow => ({
      kind: 'kill',
      at: { after: 'running', nth: 1, delayMs: 5_000 },
      disk: { faults: { ...faults, probability } },
    })
    const outcome = await runCase(longLife(15), [blow(0.3), blow(0.003), blow(0.03)])
    expect(outcome.problems).toEqual([])
    expect(outcome.faultyRuns).toBe(3)
  })

  it('leaves none while a savepoint is written, nor while one is taken over (R2, R26)', async () => {
    const only = ['savepoint-copied', 'claim-copied']
    const campaign = await savepointPoints({ inputs, only, tell: () => {} })
    expect(failureLines(campaign)).toEqual([])
    expect(campaign).toMatchObject({ kills: 4, savepoints: 1, restores: 1 })
  })

  it('leaves none at any point of the protocol, nor there again in the recovery (R26, R33)', async () => {
    const campaign = await namedPointsInOneLife(inputs)
    expect(failureLines(campaign)).toEqual([])
    expect(campaign.kills).toBe(2 * FAILPOINTS.length)
  })
})
