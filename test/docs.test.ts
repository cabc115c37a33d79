import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { ERROR_CODES } from '../runtime/error-codes.ts'
import { errorsPage } from '../scripts/errors-text.ts'

it('docs/errors.md lists the error codes as they are (npm run docs)', () => {
  expect(readFileSync('docs/errors.md', 'utf8')).toBe(errorsPage())
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
  const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
  pages.push(...readdirSync('docs').map((name) => join('docs', name)))
  const broken: string[] = []
  for (const page of pages) {
    for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      if (!existsSync(join(dirname(page), target!))) broken.push(`${page}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})
