import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FAILPOINTS } from '../../runtime/failpoint.ts'
import { failureLines, namedPointsInOneLife, randomKills } from '../crash/campaign.ts'
import { type CrashInputs, makeInputs } from '../crash/inputs.ts'
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

  it('leaves none at any point of the protocol, nor there again in the recovery (R26, R33)', async () => {
    const campaign = await namedPointsInOneLife(inputs)
    expect(failureLines(campaign)).toEqual([])
    expect(campaign.kills).toBe(2 * FAILPOINTS.length)
  })
})
