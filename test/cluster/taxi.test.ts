import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runJob } from 'millrace'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCommitted } from '../crash/committed-output.ts'
import type { Blow } from '../crash/child-run.ts'
import { runCase } from '../crash/crash-case.ts'
import { asMultiset, EXPECTED, popularPlaces } from '../taxi/expected-rides.ts'
import { BUNDLED_RIDES, wholeRideFile } from '../taxi/ride-files.ts'

const JOBS = Object.keys(EXPECTED)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-taxi-'))
})

afterAll(() => rm(folder, { recursive: true }))

const moduleOf = (job: string): URL => new URL(`../../examples/taxi/${job}.ts`, import.meta.url)

let runs = 0

/** Runs an example, and reads what it committed from the files. */
async function committed(
  job: string,
  input: string,
  {
    parallelism = 1,
    ...more
  }: { readonly parallelism?: number; readonly [name: string]: unknown } = {},
): Promise<string[]> {
  const place = join(folder, `run-${++runs}`)
  const out = join(place, 'out')
  const dir = join(place, 'state')
  const params = { input, out, ...more }
  const result = await runJob(moduleOf(job), { parallelism, dir, params })
  expect(result.status).toBe('finished')
  return (await readCommitted(out)).rows as string[]
}

const parsed = (rows: readonly string[]): string[] =>
  asMultiset(rows.map((row) => JSON.parse(row) as Record<string, unknown>))

/** How a run is killed; at `rate` it takes long enough for some checkpoints, the first in the midst of the input. */
interface Killing {
  readonly rate: number
  readonly checkpointIntervalMs: number
  readonly kills: readonly Blow[]
}

function suite(name: string, input: string, killing?: Killing): void {
  describe.each(JOBS)(`the taxi job %s on ${name}`, { timeout: 120_000 }, (job) => {
    const parallelism = killing === undefined ? 2 : 1
    let rows: string[]

    beforeAll(async () => {
      rows = await committed(job, input, { parallelism })
    }, 120_000)

    it(`commits what DuckDB answers, at parallelism ${parallelism}`, async () => {
      const answered = await EXPECTED[job]!(input)
      expect(answered.length).toBeGreaterThan(20)
      expect(parsed(rows)).toEqual(answered)
    })

    if (killing === undefined) return
    const { rate, checkpointIntervalMs, kills } = killing
    it('commits the same at parallelism 2, killed on the way (R26, R33)', async () => {
      const outcome = await runCase(
        {
          job: fileURLToPath(moduleOf(job)),
          name: `taxi-${job}`,
          input,
          parallelism: 2,
          checkpointIntervalMs,
          params: { rate },
          memory: undefined,
          expected: rows,
        },
        kills,
      )
      expect(outcome.problems).toEqual([])
      // On a busy machine the first checkpoint may be the last one, and then there is no other to be killed at.
      expect(outcome.kills.length).toBeGreaterThan(0)
    })
  })
}

const AFTER_PUBLISH = { kind: 'failpoint', name: 'after-publish', count: 1 } as const
const BEFORE_PUBLISH = { kind: 'failpoint', name: 'before-publish', count: 1 } as const

suite('made-up rides', BUNDLED_RIDES, {
  rate: 4_000,
  checkpointIntervalMs: 300,
  kills: [AFTER_PUBLISH, BEFORE_PUBLISH],
})

describe('the popular places of all rides', () => {
  it('are those that DuckDB finds, the place of devices that fail among them', async () => {
    const rows = await committed('popular-places', BUNDLED_RIDES, { cleaned: false })
    const answered = await popularPlaces(BUNDLED_RIDES, 'true')
    expect(answered).not.toEqual(await EXPECTED['popular-places']!(BUNDLED_RIDES))
    expect(parsed(rows)).toEqual(answered)
  })
})

const whole = wholeRideFile()
if (whole === undefined) {
  it.skip('the taxi jobs on the whole file of rides (not there: set MILLRACE_SHARED)', () => {})
} else {
  suite('the whole file of rides', whole)
}
