import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreamError } from '../runtime/errors.ts'
import { jobOf } from './args.ts'

/**
 * Runs a command line with the copy of the package that the job itself imports, which may be another than the one whose
 * bin was called: a global installation, or one of a folder above (N7).
 *
 * The other copy's own bin is imported; seen from there it is the right one. A job that resolves no copy at all could not
 * be imported: that is told at once, with the way out.
 */
export async function handOver(argv: readonly string[]): Promise<void> {
  const job = jobOf(argv)
  const own = packageRoot(import.meta.url)
  try {
    const bin = job === undefined ? undefined : otherBin(job, own)
    await (bin === undefined ? import('./main.ts') : import(pathToFileURL(bin).href))
  } catch (error) {
    const [{ processHost }, { tellFailure }] = await Promise.all([
      import('./process-host.ts'),
      import('./failure.ts'),
    ])
    const how = { json: argv.includes('--json'), isStarted: false }
    process.exitCode = tellFailure(error, how, processHost())
  }
}

/** The bin of the copy that a job resolves, undefined if that is the own one or the job's folder does not exist. */
export function otherBin(job: string, own: string): string | undefined {
  const path = realPath(resolve(job))
  // Without a folder there is no job either, which is told later.
  if (!existsSync(dirname(path))) return undefined
  const root = copyOf(path)
  if (root === own) return undefined
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly bin: Readonly<Record<string, string>>
  }
  return join(root, manifest.bin['millrace']!)
}

function copyOf(job: string): string {
  try {
    return dirname(realpathSync(createRequire(job).resolve('millrace/package.json')))
  } catch (error) {
    throw new StreamError(
      'MR_DEPENDENCY_MISSING',
      `${job}: no package "millrace" is installed for this file, so its imports cannot be resolved; run npm i millrace in ${dirname(job)} or in the folder of its package.json.`,
      { job },
      error,
    )
  }
}

function packageRoot(url: string): string {
  return dirname(realpathSync(createRequire(url).resolve('millrace/package.json')))
}

function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}
