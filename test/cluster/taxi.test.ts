import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runJob } from 'millrace'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCommitted } from '../crash/committed-output.ts'
import { runCase } from '../crash/crash-case.ts'
import { asMultiset, EXPECTED } from '../taxi/expected-rides.ts'
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
async function committed(job: string, input: string, parallelism: number): Promise<string[]> {
  const place = join(folder, `run-${++runs}`)
  const out = join(place, 'out')
  const dir = join(place, 'state')
  const result = await runJob(moduleOf(job), { parallelism, dir, params: { input, out } })
  expect(result.status).toBe('finished')
  return (await readCommitted(out)).rows as string[]
}

const parsed = (rows: readonly string[]): string[] =>
  asMultiset(rows.map((row) => JSON.parse(row) as Record<string, unknown>))

/** At `rate` a run that is killed, at each of these parallelisms, takes long enough for some checkpoints. */
function suite(
  name: string,
  input: string,
  { rate, parallelisms }: { readonly rate: number; readonly parallelisms: readonly number[] },
): void {
  describe.each(JOBS)(`the taxi job %s on ${name}`, { timeout: 120_000 }, (job) => {
    let rows: string[]
    let answered: string[]

    beforeAll(async () => {
      rows = await committed(job, input, 1)
      answered = await EXPECTED[job]!(input)
    }, 120_000)

    it('commits what DuckDB answers, at parallelism 1', () => {
      expect(answered.length).toBeGreaterThan(20)
      expect(parsed(rows)).toEqual(answered)
    })

    it('commits the same at parallelism 2', async () => {
      expect(await committed(job, input, 2)).toEqual(rows)
    })

    it.each(parallelisms)(
      'commits the same when it is killed twice, at parallelism %i (R26, R33)',
      async (p) => {
        const { problems, kills } = await runCase(
          {
            job: fileURLToPath(moduleOf(job)),
            name: `taxi-${job}`,
            input,
            parallelism: p,
            checkpointIntervalMs: 50,
            params: { rate },
            memory: undefined,
            expected: rows,
          },
          [
            { kind: 'failpoint', name: 'after-publish', count: 3 },
            { kind: 'failpoint', name: 'before-publish', count: 3 },
          ],
        )
        expect(problems).toEqual([])
        expect(kills).toHaveLength(2)
      },
    )
  })
}

suite('made-up rides', BUNDLED_RIDES, { rate: 4_000, parallelisms: [1, 2] })

const whole = wholeRideFile()
if (whole === undefined) {
  it.skip('the taxi jobs on the whole file of rides (not there: set MILLRACE_SHARED)', () => {})
} else {
  suite('the whole file of rides', whole, { rate: 80_000, parallelisms: [2] })
}
