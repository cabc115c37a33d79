import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'

const makeFolder = temporaryFolders()
const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))

/** Runs a benchmark in a process of its own. */
function bench(args: readonly string[]): Promise<{ code: number | null; printed: string }> {
  const all = ['-C', '@millrace/source', main, ...args]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text))
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, printed }))
  })
}

/** The line of JSON among what was printed. */
function jsonOf<T>(printed: string): T {
  return JSON.parse(printed.split('\n').find((line) => line.startsWith('{'))!) as T
}

it('the profile benchmark tells what each worker spent its time on, and keeps the profiles', async () => {
  const folder = await makeFolder()
  const few = ['--events=40000', '--rounds=1', '--parallelism=2', '--memory=512mb']
  const { code, printed } = await bench(['profile', 'q5', ...few, `--out=${folder}`, '--top=3'])
  expect([code, printed]).toEqual([0, expect.stringContaining('worker 2: the functions')])
  const { threads, nsPerEvent } = jsonOf<{
    threads: Record<string, Record<string, number>>
    nsPerEvent: Record<string, number>
  }>(printed)
  expect(Object.keys(threads)).toEqual(['worker 1', 'worker 2', 'main'])
  for (const shares of Object.values(threads)) {
    const sum = Object.values(shares).reduce((before, share) => before + share, 0)
    expect(sum).toBeCloseTo(1, 2)
    expect(shares['other']).toBe(0)
  }
  expect(nsPerEvent['state']).toBeGreaterThan(0)
  expect(nsPerEvent['timers and windows']).toBeGreaterThan(0)
  // The threads above, and the one that planned the job.
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
  expect(files.length).toBeGreaterThanOrEqual(4)
  const again = await bench(['profile', 'q5', `--out=${folder}`])
  expect(again).toEqual({
    code: 2,
    printed: expect.stringContaining('has profiles of another run'),
  })
})

it('the profile benchmark refuses a query that there is not', async () => {
  expect(await bench(['profile', 'q6'])).toEqual({
    code: 2,
    printed: expect.stringContaining('QUERY is q6; give q0, q1'),
  })
})

it('the costs benchmark prints a line for each mechanism, and writes the figures', async () => {
  const json = join(await makeFolder(), 'costs.json')
  const only = ['--only=chain,shuffle,timers,checkpoint', '--rounds=1']
  const { code, printed } = await bench(['costs', ...only, `--json=${json}`])
  expect([code, printed]).toEqual([0, expect.stringMatching(/^chain call +-?\d+ ns/m)])
  const { ns } = JSON.parse(readFileSync(json, 'utf8')) as { ns: Record<string, object> }
  expect(Object.keys(ns)).toEqual([
    'chain call',
    'shuffle hop, 4 numbers',
    'shuffle hop, 4 numbers and 3 short texts',
    'timer, in the order of time',
    'timer, in no order',
    'checkpoint entry',
  ])
  expect(await bench(['costs', '--only=chains'])).toEqual({
    code: 2,
    printed: expect.stringContaining('--only is chains; give chain, shuffle'),
  })
})
