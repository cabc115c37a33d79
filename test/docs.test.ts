import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { parseCommand } from '../cli/args.ts'
import { FLAGS, VERBS } from '../cli/flags.ts'
import { ERROR_CODES } from '../runtime/error-codes.ts'
import { ADVICE } from '../scripts/error-advice.ts'
import { errorsPage } from '../scripts/errors-text.ts'
import { blocksOf, commandsOf, documentedFiles, PAGES } from './harness/doc-blocks.ts'

// The TypeScript of the pages is compiled and run by test/cluster/package.test.ts.

it('docs/errors.md lists the error codes as they are (npm run docs)', () => {
  expect(readFileSync('docs/errors.md', 'utf8')).toBe(errorsPage())
})

it('docs/errors.md says of every code what to do, once', () => {
  const codes = ADVICE.flatMap(({ advice }) => Object.keys(advice))
  expect(codes.sort()).toEqual(Object.keys(ERROR_CODES))
})

it('the error codes are sorted', () => {
  const codes = Object.keys(ERROR_CODES)
  expect(codes).toEqual([...codes].sort())
})

it('every error code is used, and no other', () => {
  const used = new Set<string>()
  for (const folder of ['runtime', 'operators', 'connectors', 'cli', 'testing', 'bin']) {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!/\.[jt]s$/.test(name) || name.endsWith('error-codes.ts')) continue
      const text = readFileSync(`${folder}/${name}`, 'utf8')
      for (const [code] of text.matchAll(/\bMR_[A-Z_]+\b/g)) used.add(code)
    }
  }
  expect([...used].sort()).toEqual(Object.keys(ERROR_CODES))
})

it('links in the pages lead to files that exist', () => {
  const pages = [...PAGES, 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
  const broken: string[] = []
  for (const page of pages) {
    for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      if (!existsSync(join(dirname(page), target!))) broken.push(`${page}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})

it('every block of TypeScript in the pages has a file name of its own', () => {
  expect([...documentedFiles().keys()]).toContain('alerts.ts')
})

it('commands in the pages exist, with the flags that they are given', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  const commands = [...PAGES, 'ARCHITECTURE.md', 'CONTRIBUTING.md'].flatMap(commandsOf)
  const unknown = commands.filter((command) => {
    const [program, verb, ...rest] = command.split(/\s+/)
    if (program === 'npx' && verb === 'millrace') return !isKnown(rest)
    if (program !== 'npm' || verb !== 'run') return program !== 'npm'
    const script = rest[rest[0] === '-s' ? 1 : 0]!
    const args = rest.includes('--') ? rest.slice(rest.indexOf('--') + 1) : []
    if (script === 'millrace') return !isKnown(args)
    if (script === 'demo') return !isKnown(['run', 'job.ts', ...args])
    return scripts[script] === undefined
  })
  expect(unknown).toEqual([])
  expect(commands).toContain('npm run demo')
  expect(commands.filter((command) => command.startsWith('npx millrace run'))).not.toEqual([])
})

function isKnown(args: readonly string[]): boolean {
  try {
    parseCommand(args)
    return true
  } catch {
    return false
  }
}

it('the README lists the flags of each verb, and no other', () => {
  const usage = blocksOf('README.md').find(({ language }) => language === 'text')!.text
  for (const verb of VERBS) {
    const part = usage.split(/^(?=millrace )/m).find((text) => text.startsWith(`millrace ${verb}`))!
    const flags = [...part.matchAll(/--([a-z-]+)/g)].map(([, name]) => name)
    const known = FLAGS[verb].map(({ name }) => name).filter((name) => name !== 'help')
    expect(flags.sort()).toEqual(known.sort())
  }
})
