import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  changedSources,
  hashJobSources,
  relativeImports,
} from '../../../runtime/job/job-sources.ts'
import { temporaryFolders } from './temporary-folder.ts'

const makeFolder = temporaryFolders()

async function write(folder: string, files: Record<string, string>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return pathToFileURL(join(folder, 'app/job.ts')).href
}

describe('sources of a job', () => {
  it('finds relative imports in all their forms, and no packages (N18)', () => {
    const text = `
      import { a } from './a.ts'
      import type { T } from "../types.ts"
      import './side-effect.ts'
      export * from './b.ts'
      const lazy = await import('./lazy.ts')
      const old = require('./old')
      import {
        long,
      } from './long.ts'
      import { job } from 'millrace'
      const from = './no-import.ts'
    `
    const names = relativeImports(text, 'file:///app/job.ts').map((url) =>
      url.replace('file:///app/', ''),
    )
    expect(names).toEqual([
      'a.ts',
      'file:///types.ts',
      'side-effect.ts',
      'b.ts',
      'lazy.ts',
      'old',
      'old.js',
      'long.ts',
    ])
  })

  it('hashes the job and what it imports, transitively and through cycles (N18)', async () => {
    const url = await write(await makeFolder(), {
      'app/job.ts': `import './a.ts'\nimport 'millrace'\nimport './missing.ts'`,
      'app/a.ts': `import '../shared/b.ts'`,
      'shared/b.ts': `import '../app/job.ts'\nimport data from './c.json' with { type: 'json' }`,
      'shared/c.json': `"import './d.ts'"`,
      'shared/d.ts': '',
      'app/unrelated.ts': '',
    })
    const sources = await hashJobSources(url)
    expect(Object.keys(sources)).toEqual(['../shared/b.ts', '../shared/c.json', 'a.ts', 'job.ts'])
    for (const hash of Object.values(sources)) expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('tells which files were changed, added or removed (N18)', async () => {
    const folder = await makeFolder()
    const before = await hashJobSources(
      await write(folder, {
        'app/job.ts': `import './a.ts'\nimport './b.ts'`,
        'app/a.ts': '1',
        'app/b.ts': '1',
      }),
    )
    const after = await hashJobSources(
      await write(folder, {
        'app/job.ts': `import './a.ts'\nimport './c.ts'`,
        'app/a.ts': '2',
        'app/c.ts': '1',
      }),
    )
    expect(changedSources(before, after)).toEqual(['a.ts', 'b.ts', 'c.ts', 'job.ts'])
    expect(changedSources(after, after)).toEqual([])
  })
})
