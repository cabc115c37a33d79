import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readCommitted } from '../crash/committed-output.ts'
import { BUNDLED, readCards } from '../fraud/card-files.ts'
import { expectedAlerts, parseTransactions } from '../fraud/expected-alerts.ts'
import { cli, CliProcess, ROOT } from './cli-process.ts'

const execute = promisify(execFile)
const fraud = join(ROOT, 'examples/fraud-detection.ts')
const printNumbers = join(ROOT, 'test/cluster/jobs/print-numbers.ts')

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the command line', () => {
  it('lists the parameters of a job with --help, exit code 0', async () => {
    const help = await cli('run', fraud, '--help')
    expect(help.code).toBe(0)
    expect(help.stdout).toContain('--checkpoint-interval 10s')
    expect(help.stdout).toContain('Parameters of job "fraud-detection":')
    expect(help.stdout).toMatch(/--param rate=NUMBER +Rows per second/)
    expect(help.stderr).toBe('')
  })

  it.each([
    [['run', '--paralelism', '2'], 'did you mean --parallelism?'],
    [['run'], 'no job file is given'],
    [['run', 'missing.ts'], 'MR_JOB_MISSING'],
    [['run', fraud, '--param', 'rat=1'], 'MR_PARAMETER_INVALID'],
    [['run', fraud, '--param', 'rate=fast'], 'MR_PARAMETER_INVALID'],
    [['run', fraud, '--memory', 'much'], 'MR_OPTION_INVALID'],
    [['run', '.'], 'is a folder'],
    [['run', fraud, '--parallelism', '0'], '--parallelism is "0"'],
    [['run', fraud, '--checkpoint-interval', '0'], 'use a duration above zero'],
    [['plan', fraud, '--fresh'], 'unknown flag --fresh'],
  ])('answers %j with exit code 2 and the way out', async (args, message) => {
    const child = new CliProcess(args, { cwd: folder })
    expect(await child.ended).toEqual({ code: 2, signal: null })
    expect(child.stderr).toContain(message)
    expect(child.stderr).not.toMatch(/^\s+at .*(cli|runtime|operators)\//m)
    expect(child.stdout).toBe('')
  })

  it('shows the plan of a job without running it', async () => {
    const text = await cli('plan', fraud, '--parallelism', '3')
    expect(text.code).toBe(0)
    expect(text.stdout).toContain('fraud-detection: parallelism 3')
    expect(text.stdout).toMatch(/ velocity +process +state recent \(list\); timers/)
    expect(text.stdout).toContain('shuffle by key')
    const json = await cli('plan', fraud, '--json')
    const plan = JSON.parse(json.stdout) as { vertices: { chain: { uid?: string }[] }[] }
    const uids = plan.vertices.flatMap((vertex) => vertex.chain.map((operator) => operator.uid))
    expect(uids).toEqual(
      expect.arrayContaining(['transactions', 'velocity', 'hourly-sum', 'alerts']),
    )
  })

  it('writes data to stdout and tells the rest on stderr', async () => {
    const args = ['--param', 'count=5', '--dir', join(folder, 'state'), '--parallelism', '1']
    const child = await cli('run', printNumbers, ...args)
    expect(child.code).toBe(0)
    expect(child.stdout).toBe([0, 1, 2, 3, 4].map((i) => `{"i":${i}}\n`).join(''))
    expect(child.stderr).toMatch(
      /^print-numbers: fresh start, parallelism 1, lineage [0-9a-f]{16}, state in \//,
    )
    expect(child.stderr).toContain('finished after')
    expect(child.stderr).not.toContain('\r')
  })

  it('tells of an error that nobody caught as of any other, exit code 1', async () => {
    const script = join(folder, 'defect.mjs')
    const host = JSON.stringify(join(ROOT, 'cli/process-host.ts'))
    await writeFile(
      script,
      `import { runInProcess } from ${host}
       await runInProcess(['--version'])
       process.nextTick(() => { throw new RangeError('oops') })`,
    )
    await expect(execute(process.execPath, [script])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error RangeError: oops\n {2}in your code:\n/) as string,
    })
  })

  it('ends cleanly when nobody reads its output any more, as with | head', async () => {
    const child = new CliProcess([
      'run',
      printNumbers,
      '--param',
      'rate=2000',
      '--dir',
      join(folder, 'state'),
      '--parallelism',
      '1',
    ])
    await child.until(() => child.stdout.split('\n').length > 3)
    child.child.stdout.destroy()
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(child.stderr).toContain('the same command goes on from checkpoint')
    expect(child.stderr).not.toMatch(/EPIPE|^\s+at /m)
  })

  it('ends at once at a Ctrl-C while the job is being imported, exit code 130 (N8, R14)', async () => {
    const loading = join(ROOT, 'test/cluster/jobs/loading.ts')
    const child = new CliProcess(['run', loading, '--dir', join(folder, 'state')])
    await child.until(() => child.stderr.includes('loading'))
    child.child.kill('SIGINT')
    expect(await child.ended).toEqual({ code: 130, signal: null })
    expect(child.stderr).toContain('the job had not been started: nothing has changed')
    expect(await readdir(folder)).toEqual([])
  })

  it('terminates a function that never returns when a stop takes too long, exit code 1 (N21)', async () => {
    const stuck = join(ROOT, 'test/cluster/jobs/stuck.ts')
    const args = ['--dir', join(folder, 'state'), '--parallelism', '1', '--stop-timeout', '200ms']
    const child = new CliProcess(['run', stuck, ...args])
    await child.until(() => child.stderr.includes('now it is stuck'))
    child.child.kill('SIGINT')
    expect(await child.ended).toEqual({ code: 1, signal: null })
    expect(child.stderr).toContain('MR_STOP_TIMEOUT')
  })
})

describe('the fraud job from the command line', () => {
  let expected: readonly string[]
  let args: string[]
  let out: string

  beforeAll(() => {
    expected = expectedAlerts(parseTransactions(readCards(BUNDLED)))
  })

  beforeEach(() => {
    out = join(folder, 'alerts')
    args = ['run', fraud, '--dir', join(folder, 'state'), '--param', `out=${out}`]
    args.push('--checkpoint-interval', '100ms', '--json')
  })

  async function checkOutput(): Promise<void> {
    const { rows, strangers } = await readCommitted(out)
    expect(rows).toEqual(expected)
    expect(strangers).toEqual([])
  }

  it('runs to its end, says so when it is run again, and names --fresh (R34, N23)', async () => {
    const first = await cli(...args, '--parallelism', '2')
    expect(first.code).toBe(0)
    const types = new Set(first.lines.map((line) => line.type))
    for (const type of ['started', 'checkpoint', 'finished']) expect(types).toContain(type)
    expect(first.lines.at(-1)).toMatchObject({ type: 'finished', status: 'finished' })
    expect(first.stderr).toContain(`output of alerts: ${out}`)
    await checkOutput()

    const files = await readdir(out)
    const again = await cli(...args)
    expect(again.code).toBe(0)
    expect(again.lines.at(-1)).toMatchObject({ type: 'finished', status: 'already-finished' })
    expect(again.stderr).toMatch(/already finished with checkpoint \d+, nothing to do \(--fresh/)
    expect(await readdir(out)).toEqual(files)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'stops at %s with exit code %d and goes on with the same command (R14, N22)',
    async (signal, code) => {
      const child = new CliProcess([...args, '--parallelism', '2', '--param', 'rate=20000'])
      await child.lineOf('checkpoint')
      child.child.kill(signal)
      child.child.kill(signal)
      expect(await child.ended).toEqual({ code, signal: null })
      expect(child.lines.at(-1)).toMatchObject({ type: 'finished', status: 'stopped' })
      const last = child.lines.findLast((line) => line.type === 'checkpoint')!
      expect(last['kind']).toBe('stop')
      expect(child.stderr).toContain(
        `the same command goes on from checkpoint ${last['checkpointId']}`,
      )

      const again = await cli(...args)
      expect(again.code).toBe(0)
      expect(again.stderr.split('\n')[0]).toContain(
        `fraud-detection: resumed from checkpoint ${last['checkpointId']}, parallelism 2 (the checkpoint's), lineage ${last['lineage']}, state in ${join(folder, 'state/fraud-detection')}`,
      )
      await checkOutput()
    },
  )

  it('fails with exit code 1, and the place in the input', async () => {
    const input = join(folder, 'cards.csv')
    const text = readCards(BUNDLED)
    const rows = text.split('\n').length - 2
    await writeFile(input, `${text}${rows + 1},soon,1,2\n`)
    const child = await cli(...args, '--param', `input=${input}`)
    expect(child.code).toBe(1)
    const failure = child.lines.at(-1)!
    expect(failure).toMatchObject({ type: 'error', code: 'MR_BAD_RECORD' })
    expect(child.stderr).toContain(input)
    expect(child.stderr).toContain(`${rows + 2}`)
  })
})

describe('bin/millrace.js', () => {
  const bin = join(ROOT, 'bin/millrace.js')

  it.each(['20.20.2', '22.17.1', '8.0.0'])(
    'tells Node %s that it is too old (N30)',
    async (version) => {
      const pretend = join(folder, 'pretend.cjs')
      const versions = `{ ...process.versions, node: ${JSON.stringify(version)} }`
      await writeFile(pretend, `Object.defineProperty(process, 'versions', { value: ${versions} })`)
      const running = execute(process.execPath, ['--require', pretend, bin, 'run', 'job.ts'])
      await expect(running).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining(
          `millrace needs Node ≥ 22.18, this is ${version}`,
        ) as string,
      })
    },
  )
})

describe.runIf(process.platform === 'linux')('the thread pool of libuv', () => {
  it('has as many threads as were set in the process itself (N14)', async () => {
    const script = join(folder, 'pool.mjs')
    await writeFile(
      script,
      `import { stat } from 'node:fs/promises'
       import { readdirSync } from 'node:fs'
       import { setThreadPoolSize } from ${JSON.stringify(join(ROOT, 'cli/thread-pool.ts'))}
       const before = readdirSync('/proc/self/task').length
       if (process.argv[2] !== 'not') setThreadPoolSize(process.env, 4)
       await Promise.all(Array.from({ length: 64 }, () => stat('.')))
       console.log(readdirSync('/proc/self/task').length - before)`,
    )
    const env = { ...process.env }
    delete env['UV_THREADPOOL_SIZE']
    const threads = async (...how: string[]): Promise<number> =>
      Number((await execute(process.execPath, [script, ...how], { env })).stdout)
    expect(await threads('not')).toBe(4)
    expect(await threads()).toBe(20)
  })
})
