import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { ROOT } from './cli-process.ts'
import { balancesOf, csvOf, postings, readRows } from './postings.ts'
import { eventOf, type Run, run } from './run.ts'
import { SteppedClock } from './stepped-clock.ts'
import { expectFailure, expectNothingLeft, type Told } from './told-failure.ts'

const makeFolder = temporaryFolders()
let folder: string
let path: string

/** A folder in which the package is installed. */
beforeEach(async () => {
  folder = await makeFolder()
  path = join(folder, 'job.ts')
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules/millrace'))
})

/** Runs the job file, with that text if one is given. */
async function start(
  text: string | undefined,
  options: RunJobOptions = {},
  environment: Parameters<typeof run>[2] = {},
): Promise<Run> {
  if (text !== undefined) await writeFile(path, text)
  return run(pathToFileURL(path), { dir: join(folder, 'state'), ...options }, environment)
}

/** The names in the state directory of a job. */
async function stateOf(job: string): Promise<string[]> {
  const state = join(folder, 'state', job)
  return existsSync(state) ? readdir(state) : []
}

/** A job of that name with that graph. */
const jobOf = (graph: string, name = 'wrong', options = '{}') => `
  import { threadId } from 'node:worker_threads'
  import * as millrace from 'millrace'
  const { collectionSink, collectionSource, job, noRestart, param, processFunction, valueState } = millrace
  const counter = processFunction({ state: { n: valueState<number>() }, processElement() {} })
  export default job(${JSON.stringify(name)}, ${options}, ${graph})`

const GOOD = `(env) => {
  env.fromSource(collectionSource([1, 2]), { uid: 'numbers' }).sinkTo(collectionSink(), { uid: 'out' })
}`

interface Case extends Told {
  readonly text: string
}

const FILE = /^\/.*\/job\.ts /
const NO_JOB = 'there is no job to run'

describe('a job file that cannot be run', () => {
  it.each<[string, Case]>([
    [
      'exports no job',
      {
        text: 'export const job = 1',
        code: 'MR_JOB_INVALID',
        where: FILE,
        what: 'has no job as its default export (it exports no default)',
        prevents: 'there is nothing to run',
        wayOut: `write export default job('name', {}, (env) => { … })`,
      },
    ],
    [
      'throws while it is imported (N8)',
      {
        text: `import 'millrace'\n\nthrow new TypeError('no such thing')`,
        code: 'MR_JOB_FAILED_TO_LOAD',
        where: /job\.ts:3\)/,
        what: 'TypeError: no such thing',
        prevents: NO_JOB,
        wayOut: 'mend the module',
      },
    ],
    [
      'calls process.exit while it is imported (N8)',
      {
        text: 'process.exit(3)',
        code: 'MR_JOB_EXITED',
        where: FILE,
        what: 'ended its thread (exit code 3) while it was imported',
        prevents: NO_JOB,
        wayOut: 'must not call process.exit',
      },
    ],
    [
      'never ends being imported (N8)',
      {
        text: 'for (;;);',
        code: 'MR_JOB_TIMEOUT',
        where: FILE,
        what: 'was not imported within 300 ms',
        prevents: 'nothing can run',
        wayOut: 'look for an endless loop or an await at its top level',
      },
    ],
    [
      'throws while its graph is built (N8)',
      {
        text: jobOf(`() => { throw new RangeError('too many') }`),
        code: 'MR_JOB_FAILED_TO_LOAD',
        where: /job\.ts:\d+\)/,
        what: 'RangeError: too many',
        prevents: NO_JOB,
        wayOut: 'mend the module',
      },
    ],
    [
      'builds its graph asynchronously (R15)',
      {
        text: jobOf(`async (env) => { await 1; (${GOOD})(env) }`),
        code: 'MR_FUNCTION_ASYNC',
        where: 'Job "wrong"',
        what: 'the function that builds its graph returned a promise',
        prevents: 'the graph must be complete when it returns, so nothing can run',
        wayOut: 'make it a plain function',
      },
    ],
    [
      'lacks uids: all of them are named',
      {
        text: jobOf(`(env) => {
          env.fromSource(collectionSource([1]), {}).keyBy((n) => n).process(counter, {}).sinkTo(collectionSink())
        }`),
        code: 'MR_UID_MISSING',
        where: 'Job "wrong"',
        what: 'no uid is set for source collection#1, process#1, sink collection#2',
        prevents: 'could not be found again after a restart',
        wayOut: 'give each a uid of its own in its options',
      },
    ],
    [
      'gives two operators one uid: all of them are named',
      {
        text: jobOf(`(env) => {
          env
            .fromSource(collectionSource([1]), { uid: 'a' })
            .map((n) => n, { uid: 'A' })
            .map((n) => n, { uid: 'b' })
            .sinkTo(collectionSink(), { uid: 'b' })
        }`),
        code: 'MR_UID_DUPLICATE',
        where: 'Job "wrong": 2 problems',
        what: /uid "a" is used by 2 operators \(collection "a", map "A".*uid "b" is used by 2 operators/,
        prevents: 'their state would be mixed up',
        wayOut: 'give each a unique uid',
      },
    ],
    [
      'has no sink',
      {
        text: jobOf(`(env) => { env.fromSource(collectionSource([1]), { uid: 'a' }) }`),
        code: 'MR_GRAPH_INVALID',
        where: 'Job "wrong"',
        what: 'the graph has no sink',
        prevents: 'nothing would come out of it',
        wayOut: 'end a stream with sinkTo(…)',
      },
    ],
    [
      'gives an onError that there is not',
      {
        text: jobOf(`(env) => {
          env.fromSource(collectionSource([1]), { uid: 'a' })
            .map((n) => n, { onError: 'sikp' as 'skip' }).sinkTo(collectionSink(), { uid: 'out' })
        }`),
        code: 'MR_OPTION_INVALID',
        where: 'map()',
        what: 'has an onError that is "sikp" (string)',
        prevents: 'does not say what happens with a record whose function throws',
        wayOut: 'give "fail", "skip" or an output tag',
        exit: 2,
      },
    ],
    [
      'has a name that leads to another folder (N25)',
      {
        text: jobOf(GOOD, '../wrong'),
        code: 'MR_NAME_INVALID',
        where: 'The name of the job is "../wrong"',
        what: 'which has other characters than letters, digits',
        prevents: 'its state directory cannot be called that, so nothing can run',
        wayOut: 'use 1 to 100 letters, digits',
      },
    ],
    [
      'is given no value for a parameter without a default (N4)',
      {
        text: jobOf(GOOD, 'wrong', `{ params: { size: param.number(undefined, 'How many') } }`),
        code: 'MR_PARAMETER_INVALID',
        where: 'Parameters of job "wrong"',
        what: '"size" is not given and has no default',
        prevents: 'the graph cannot be built from them',
        wayOut: 'the job has: size (number) How many',
        exit: 2,
      },
    ],
  ])('because it %s', async (_, told) => {
    const isEndless = told.code === 'MR_JOB_TIMEOUT'
    const failed = await start(told.text, {}, isEndless ? { planningTimeoutMs: 300 } : {})
    expectFailure(failed, told)
    expect(eventOf(failed, 'started')).toBeUndefined()
    // Nothing that a later run could take for state.
    expect((await stateOf('wrong')).filter((name) => name !== 'holder' && name !== 'lock')).toEqual(
      [],
    )
    expect(existsSync(join(folder, 'wrong'))).toBe(false)
    const mended = await start(jobOf(GOOD))
    expect(mended.result).toMatchObject({ status: 'finished', collected: { out: [1, 2] } })
  })

  it('because there is none, or a folder', async () => {
    const told = { code: 'MR_JOB_MISSING', where: FILE, prevents: NO_JOB, exit: 2 } as const
    const wayOut = 'give the path of a job module (a file)'
    expectFailure(await start(undefined), { ...told, what: 'does not exist', wayOut })
    await mkdir(path)
    expectFailure(await start(undefined), { ...told, what: 'is a folder', wayOut })
    expect(existsSync(join(folder, 'state'))).toBe(false)
  })

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['unknown', { sise: 1, size: 1 }, '"sise" is unknown'],
    ['of the wrong type', { size: 'many' }, '"size" is "many" (string), not a number'],
    [
      'a secret of the wrong type, which is not shown',
      { token: 4_711 },
      '"token" is of type number',
    ],
  ])('because a parameter is %s (N4)', async (_, params, what) => {
    const options = `{ params: { size: param.number(1), token: param.secret('x', 'Opens it') } }`
    const failed = await start(jobOf(GOOD, 'wrong', options), { params })
    const shown = expectFailure(failed, {
      code: 'MR_PARAMETER_INVALID',
      where: 'Parameters of job "wrong"',
      what,
      prevents: 'the graph cannot be built from them',
      wayOut: 'the job has: size (number, default "1"); token (secret) Opens it',
      exit: 2,
    })
    expect(shown).not.toContain('4711')
  })
})

describe('a job file that is another one in the second thread', () => {
  it('builds another graph: refused, and what differs is named (R37)', async () => {
    const wavering = jobOf(`(env) => {
      env.fromSource(collectionSource([1, 2]), { uid: 'numbers' })
        .map((n) => n, { uid: 'thread-' + threadId }).sinkTo(collectionSink(), { uid: 'out' })
    }`)
    expectFailure(await start(wavering, { parallelism: 2 }), {
      code: 'MR_GRAPH_DIFFERS',
      where: /^Slot \d built another graph than was planned/,
      what: /\(it has "thread-\d+", it lacks "thread-\d+"\)/,
      prevents: 'would lose or mix records',
      wayOut:
        'build the graph from parameters only, not from time, randomness, files or module state',
    })
  })

  it.each<[string, string, Told]>([
    [
      'ends its thread (N8, R36)',
      'process.exit(4)',
      {
        code: 'MR_WORKER_EXITED',
        where: 'The worker thread of slot 0',
        what: /ended: .*exit.* 4/,
        prevents: 'its records since the last checkpoint are read again',
        wayOut: 'must not call process.exit',
      },
    ],
    [
      'throws',
      `throw new TypeError('only here')`,
      {
        code: 'MR_JOB_FAILED_TO_LOAD',
        where: /job\.ts:\d+\)/,
        what: 'TypeError: only here',
        prevents: NO_JOB,
        wayOut: 'mend the module',
      },
    ],
    [
      'never ends being imported (R37)',
      `console.log('hanging'); for (;;);`,
      {
        code: 'MR_DEPLOY_TIMEOUT',
        where: 'Slots 0 of 1',
        what: 'did not report within 10000 ms after they were started',
        prevents: 'the job cannot run without them',
        wayOut: 'look for code at the top of the job module that blocks',
      },
    ],
  ])('%s', async (_, fault, told) => {
    const mark = JSON.stringify(join(folder, 'planned'))
    const clock = new SteppedClock()
    const onEvent: RunJobOptions['onEvent'] = (event) => {
      if (event.type === 'log' && event.line === 'hanging') clock.advance(10_000)
    }
    const text = `
      import { existsSync, writeFileSync } from 'node:fs'
      if (existsSync(${mark})) { ${fault} }
      writeFileSync(${mark}, '')
      ${jobOf(GOOD, 'wrong', '{ restart: noRestart() }')}`
    expectFailure(await start(text, { onEvent }, { clock }), told)
    const mended = await start(jobOf(GOOD))
    expect(mended.result).toMatchObject({ status: 'finished', collected: { out: [1, 2] } })
  })
})

it('a job file that is broken while the job is stopped loses nothing', async () => {
  const rows = postings(200)
  const out = join(folder, 'out')
  const params = { input: join(folder, 'postings.csv'), out }
  await writeFile(params.input, csvOf(rows))
  await copyFile(
    join(ROOT, 'test/cluster/jobs/account-faults.ts'),
    join(folder, 'account-faults.ts'),
  )
  const good = await readFile(join(ROOT, 'test/cluster/jobs/accounts.ts'), 'utf8')
  const stop = new AbortController()
  const onEvent: RunJobOptions['onEvent'] = ({ type }) => {
    if (type === 'checkpoint') stop.abort()
  }
  const slowly = { params: { ...params, rate: 50 }, signal: stop.signal, onEvent }
  const stopped = await start(good, slowly)
  const { lineage } = stopped.result!.lastCheckpoint!
  const broken = await start(good.replace(`uid: 'balances'`, `uid: 'balance'`), { params })
  expect(broken.error).toMatchObject({ code: 'MR_UID_DUPLICATE' })
  const mended = await start(good, { params })
  expect(eventOf(mended, 'started')).toMatchObject({ mode: 'resumed', lineage })
  expect(await readRows(out)).toEqual(balancesOf(rows))
  await expectNothingLeft(join(folder, 'state/accounts'), out)
})
