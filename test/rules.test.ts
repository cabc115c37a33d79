import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const page = readFileSync('docs/guarantees.md', 'utf8')

/** Rules by name, as the page has them. */
function rules(): Map<string, { readonly isYet: boolean }> {
  const found = new Map<string, { readonly isYet: boolean }>()
  for (const item of page.split(/^- (?=\*\*R\d+\*\*)/m).slice(1)) {
    const text = item.split(/^(?:##|- )/m)[0]!
    const name = /^\*\*(R\d+)\*\*/.exec(text)![1]!
    found.set(name, { isYet: !text.includes('_Not yet._') })
  }
  return found
}

/** Every title of a test or suite, as text. */
function titles(): string {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .map((name) => join('test', name))
    .filter((name) => name.endsWith('.ts') && statSync(name).isFile())
    .filter((name) => !name.endsWith('rules.test.ts'))
  const found: string[] = []
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    for (const match of text.matchAll(
      /\b(?:it|test|describe)(?:\.\w+(?:\([^)]*\))?)*\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs,
    )) {
      found.push(match[2]!)
    }
  }
  return found.join('\n')
}

it('the page of guarantees lists R1 to R42, each once', () => {
  expect([...rules().keys()]).toEqual(Array.from({ length: 42 }, (_, index) => `R${index + 1}`))
})

it('every guarantee that is not marked as to come is named in the title of a test', () => {
  const text = titles()
  const unnamed = [...rules()]
    .filter(([name, { isYet }]) => isYet && !new RegExp(`\\b${name}\\b`).test(text))
    .map(([name]) => name)
  expect(unnamed).toEqual([])
})

/** Sections of the semantics whose every line a test holds: streams, windows, joins, asynchronous calls, time, state. */
const SECTIONS = '1.1 1.2 1.3 1.4 1.5 2.1 2.2 2.3 2.4 2.5 2.6 2.15 2.16 2.17 2.18 4'.split(' ')

it('every section of the semantics that the operators follow is named in the title of a test', () => {
  const cited = new Set(
    [...titles().matchAll(/\bsemantics ((?:\d+(?:\.\d+)?(?:, )?)+)/g)].flatMap(([, list]) =>
      list!.split(', '),
    ),
  )
  expect(SECTIONS.filter((section) => !cited.has(section))).toEqual([])
})
