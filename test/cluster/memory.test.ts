import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readCommitted } from '../crash/committed-output.ts'
import { type CrashInputs, makeInputs } from '../crash/inputs.ts'
import { BUNDLED, readCards } from '../fraud/card-files.ts'
import { run } from './run.ts'

const ledger = new URL('../crash/jobs/ledger.ts', import.meta.url)

let folder: string
let inputs: CrashInputs

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-memory-'))
  inputs = await makeInputs(readCards(BUNDLED), 12_000, folder)
})

afterAll(() => rm(folder, { recursive: true }))

it('state that does not fit stays within the least memory, without any checkpoint too (R22, N15)', async () => {
  const out = join(folder, 'out')
  const { events, result } = await run(ledger, {
    dir: join(folder, 'state'),
    memory: '54mb',
    checkpointInterval: '1h',
    params: { input: inputs.eight, out, note: 2_667 },
  })
  expect(events.filter(({ type }) => type === 'restarting')).toEqual([])
  expect(result?.status).toBe('finished')
  expect((await readCommitted(out)).rows).toEqual(inputs.ledger)
})
