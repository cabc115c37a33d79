import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** SHA-256 (hex) by file, relative to the folder of the job file. */
export type JobSources = Readonly<Record<string, string>>

/**
 * Hashes the job file and, transitively, the relative files that it imports (N18).
 *
 * Imports are found by looking for import statements and calls in the text, so one in a comment counts too; a name that
 * is no file is left out. Packages are not followed. A file that cannot be read is left out as well: importing it fails
 * with a better message.
 */
export async function hashJobSources(jobUrl: string): Promise<JobSources> {
  const hashes: Record<string, string> = {}
  if (!jobUrl.startsWith('file:')) return hashes
  const folder = dirname(fileURLToPath(jobUrl))
  const seen = new Set<string>()
  const waiting = [jobUrl]
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (seen.has(url)) continue
    seen.add(url)
    const path = fileURLToPath(url)
    const bytes = await readIfFile(path)
    if (bytes === undefined) continue
    hashes[relative(folder, path).replaceAll('\\', '/')] = sha256(bytes)
    if (SCRIPT.test(path)) waiting.push(...relativeImports(bytes.toString('utf8'), url))
  }
  return Object.fromEntries(Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Names of files that differ, have come or have gone, sorted. */
export function changedSources(before: JobSources, after: JobSources): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].filter((name) => before[name] !== after[name]).sort()
}

const SCRIPT = /\.[cm]?[jt]sx?$/

/** `from './x'`, `import './x'`, `import('./x')`, `require('./x')`. */
const IMPORT = /(?:\bfrom|\bimport|\b(?:import|require)\s*\()\s*(['"`])(\.{1,2}\/[^'"`\n]+)\1/g

/** File URLs that a module names in relative imports; for `require` without extension also what Node would try. */
export function relativeImports(text: string, url: string): string[] {
  const urls: string[] = []
  for (const [, , specifier] of text.matchAll(IMPORT)) {
    urls.push(new URL(specifier!, url).href)
    if (!/\.[a-z]+$/i.test(specifier!)) urls.push(new URL(`${specifier!}.js`, url).href)
  }
  return urls
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function readIfFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch {
    // Missing, a folder, or unreadable: not a source that can be compared.
    return undefined
  }
}
