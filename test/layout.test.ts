import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

interface SourceFile {
  readonly path: string
  readonly text: string
  /** Paths of relative imports and re-exports, type-only ones included. */
  readonly imports: readonly string[]
}

const folders = ['runtime', 'operators', 'connectors', 'cli', 'testing', 'state']

const sources: SourceFile[] = [
  ...folders.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.ts'))
          .map((name) => join(folder, name))
      : [],
  ),
  'index.ts',
].map((path) => {
  const text = readFileSync(path, 'utf8')
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  const imports = [...code.matchAll(/\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)/g)].map((match) =>
    normalize(join(dirname(path), match[1] ?? match[2]!)),
  )
  return { path, text, imports }
})

const byPath = new Map(sources.map((file) => [file.path, file]))

/** Entry points that no other file imports. */
const entries = new Set([
  'index.ts',
  'testing/index.ts',
  'state/index.ts',
  'connectors/kafka/index.ts',
  'connectors/formats/index.ts',
  'connectors/aws/index.ts',
  'cli/hand-over.ts',
  'cli/main.ts',
  'runtime/job/worker.ts',
  'runtime/job/merge-worker.ts',
  'runtime/job/planning-worker.ts',
])

/** What the files of each folder may import besides their own. `runtime` is listed folder by folder, bottom up. */
const mayImport: Record<string, readonly string[]> = {
  'runtime/aws': ['runtime'],
  'runtime/state': ['runtime'],
  'runtime/channel': ['runtime'],
  'runtime/checkpoint': ['runtime', 'runtime/state'],
  'runtime/graph': ['runtime', 'runtime/state'],
  'runtime/task': [
    'runtime',
    'runtime/state',
    'runtime/channel',
    'runtime/graph',
    'runtime/checkpoint',
  ],
  'runtime/job': [
    'runtime',
    'runtime/aws',
    'runtime/state',
    'runtime/channel',
    'runtime/graph',
    'runtime/checkpoint',
    'runtime/task',
  ],
  'runtime/inspect': [
    'runtime',
    'runtime/aws',
    'runtime/state',
    'runtime/checkpoint',
    'runtime/task',
    'runtime/job',
  ],
  'runtime/rewrite': [
    'runtime',
    'runtime/aws',
    'runtime/state',
    'runtime/checkpoint',
    'runtime/job',
    'runtime/inspect',
  ],
  state: ['runtime/inspect', 'runtime/rewrite'],
  operators: ['runtime', 'runtime/state', 'runtime/graph', 'runtime/job'],
  // Lambda runs the graph of a job.
  connectors: ['runtime', 'runtime/aws', 'runtime/graph', 'runtime/job'],
  cli: ['runtime', 'runtime/graph', 'runtime/job', 'runtime/inspect'],
}

/** Contracts in the root of `runtime/` that speak of state, graph or checkpoint types (type-only imports). */
function layerOf(path: string): string {
  const parts = dirname(path).split('/')
  return parts[0] === 'runtime' ? parts.slice(0, 2).join('/') : parts[0]!
}

describe('layout', () => {
  it.each(Object.keys(mayImport))('files in %s import only what lies below them', (layer) => {
    const wrong = sources
      .filter((file) => layerOf(file.path) === layer)
      .flatMap((file) => file.imports.map((target) => [file.path, target] as const))
      .filter(([, target]) => {
        const to = layerOf(target)
        return to !== layer && !mayImport[layer]!.includes(to)
      })
    expect(wrong).toEqual([])
  })

  it('files in the root of runtime import operators, connectors and task code nowhere', () => {
    const wrong = sources
      .filter((file) => layerOf(file.path) === 'runtime')
      .flatMap((file) => file.imports.map((target) => [file.path, target] as const))
      .filter(
        ([, target]) => !/^runtime\/([^/]+|state\/[^/]+|checkpoint\/manifest\.ts)$/.test(target),
      )
    expect(wrong).toEqual([])
  })

  it('has no import cycles, type-only imports included', () => {
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
        return
      }
      if (done.has(path)) return
      for (const target of byPath.get(path)?.imports ?? []) visit(target, [...trail, path])
      done.add(path)
    }
    for (const { path } of sources) visit(path, [])
    expect(cycles).toEqual([])
  })

  it('imports only files that exist, and every file is imported by another', () => {
    const imported = new Set(sources.flatMap((file) => file.imports))
    const missing = [...imported].filter((path) => !byPath.has(path) && !existsSync(path))
    const unused = sources
      .map((file) => file.path)
      .filter((path) => !imported.has(path) && !entries.has(path))
    expect({ missing, unused }).toEqual({ missing: [], unused: [] })
  })

  it('reads time and chance in runtime/clock.ts only', () => {
    const pattern =
      /\b(?:Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate)\(|new Date\(\)/
    const wrong = sources
      .filter((file) => file.path !== 'runtime/clock.ts')
      .filter((file) => pattern.test(file.text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')))
      .map((file) => file.path)
    expect(wrong).toEqual([])
  })

  it('generates code in three places only', () => {
    const generating = sources
      .filter((file) => /\bnew Function\(|\beval\(/.test(file.text))
      .map((file) => file.path)
    expect(generating.sort()).toEqual([
      'connectors/csv-convert.ts',
      'runtime/channel/generated-codec.ts',
      'runtime/own-code.ts',
    ])
  })

  it('lets functions that are evaluated anew use nothing but their parameters', () => {
    const wrong: string[] = []
    let checked = 0
    for (const { path, text } of sources) {
      const names = [...text.matchAll(/\bownCode\((\w+),/g)].map(([, name]) => name!)
      if (names.length === 0) continue
      const code = stripTypeScriptTypes(text)
      const imported = [...code.matchAll(/^import \{([^}]*)\}/gm)].flatMap(([, list]) =>
        list!.split(',').map((name) => name.trim()),
      )
      const declared = [...code.matchAll(/^(?:export )?(?:const|let|class|function) (\w+)/gm)]
      const outside = [...imported, ...declared.map(([, name]) => name!)].filter(Boolean)
      for (const name of names) {
        const [body] = new RegExp(`(?<=^function ${name})\\([^]*?^\\}`, 'm').exec(code)!
        const used = outside.filter((other) => new RegExp(`(?<![.\\w])${other}\\b`).test(body))
        if (used.length > 0) wrong.push(`${path}: ${name} uses ${used.join(', ')}`)
        checked++
      }
    }
    expect(wrong).toEqual([])
    expect(checked).toBeGreaterThan(5)
  })

  it('has a title in every page, and an Unreleased section in the CHANGELOG', () => {
    const pages = [
      ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
      ...readdirSync('docs').map((name) => join('docs', name)),
    ]
    for (const page of pages) {
      const titles =
        readFileSync(page, 'utf8')
          .replace(/```[\s\S]*?```/g, '')
          .match(/^# .+$/gm) ?? []
      expect([page, titles.length]).toEqual([page, 1])
    }
    expect(readFileSync('CHANGELOG.md', 'utf8')).toMatch(/^## \[?Unreleased/m)
  })

  it('has a file for every subpath that the package exports', () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      exports: Record<string, string | Record<string, string>>
    }
    for (const target of Object.values(exports)) {
      if (typeof target === 'string') expect(existsSync(target)).toBe(true)
      else expect(existsSync(target['@millrace/source']!)).toBe(true)
    }
  })
})
