import { fileURLToPath } from 'node:url'
import { ERROR_CODES, type ErrorCode, StreamError, thrownText } from '../errors.ts'
import { JOB_BRAND, JOB_VERSION, type JobModule } from './job-module.ts'

/**
 * Imports a job module and returns the job that is its default export.
 *
 * A job is known by its brand, not by its class: the module may have resolved another copy of the package (N7). The
 * `default.default` of compiled CommonJS counts too (N20). Fails with `MR_JOB_MISSING`, `MR_JOB_FAILED_TO_LOAD` with the
 * cause and the place, or `MR_JOB_INVALID`.
 */
export async function loadJob(url: string): Promise<JobModule> {
  const path = jobPath(url)
  let module: { readonly default?: unknown }
  try {
    module = (await import(url)) as { readonly default?: unknown }
  } catch (error) {
    throw loadFailure(error, url)
  }
  const job = jobIn(module.default)
  if (job === undefined) {
    throw new StreamError(
      'MR_JOB_INVALID',
      `${path} has no job as its default export (${describeDefault(module)}), so there is nothing to run; write export default job('name', {}, (env) => { … }).`,
      { path },
    )
  }
  const version = (job as unknown as Record<symbol, unknown>)[JOB_BRAND]
  if (version !== JOB_VERSION) {
    throw new StreamError(
      'MR_JOB_INVALID',
      `${path} was written for another version of millrace (its jobs have interface ${String(version)}, this one reads ${JOB_VERSION}); run it with the millrace that is installed beside it.`,
      { path, version },
    )
  }
  return job
}

/** Turns what importing a job or building its graph threw into a coded error; coded ones stay what they are. */
export function loadFailure(thrown: unknown, url: string): StreamError {
  if (thrown instanceof StreamError) return thrown
  const path = jobPath(url)
  const { code, url: missing } = (thrown ?? {}) as { code?: unknown; url?: unknown }
  if (
    missing === url &&
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_UNSUPPORTED_DIR_IMPORT')
  ) {
    return jobMissing(url, code === 'ERR_UNSUPPORTED_DIR_IMPORT')
  }
  // Made by another copy of the package: same code, other class.
  if (thrown instanceof Error && typeof code === 'string' && code in ERROR_CODES) {
    return new StreamError(code as ErrorCode, thrown.message, { path }, thrown)
  }
  const place = placeOf(thrown)
  return new StreamError(
    'MR_JOB_FAILED_TO_LOAD',
    `${path} could not be loaded: ${thrownText(thrown)}${place === undefined ? '' : ` (${place})`}; without it there is no job to run; mend the module.`,
    { path, ...(place === undefined ? {} : { place }) },
    thrown,
  )
}

function jobMissing(url: string, isFolder: boolean): StreamError {
  const path = jobPath(url)
  const what = isFolder ? 'is a folder' : 'does not exist'
  return new StreamError(
    'MR_JOB_MISSING',
    `${path} ${what}, so there is no job to run; give the path of a job module (a file).`,
    { path },
  )
}

/** The path of a job for messages; other URLs as they are. */
export function jobPath(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url
}

function jobIn(value: unknown): JobModule | undefined {
  if (isBranded(value)) return value
  const inner = (value as { readonly default?: unknown } | null | undefined)?.default
  return isBranded(inner) ? inner : undefined
}

function isBranded(value: unknown): value is JobModule {
  return typeof value === 'object' && value !== null && JOB_BRAND in value
}

function describeDefault(module: { readonly default?: unknown }): string {
  if (!('default' in module)) return 'it exports no default'
  const value = module.default
  return `its default export is ${value === null ? 'null' : `a value of type ${typeof value}`}`
}

/** `file:line` of the first frame outside of node and packages; for syntax errors the first line of the stack names it. */
function placeOf(thrown: unknown): string | undefined {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : ''
  for (const [, location, line] of stack.matchAll(
    /(?:^|[\s(])(file:\/\/[^\s()]+?|\/[^\s():]+):(\d+)/g,
  )) {
    if (location!.includes('/node_modules/')) continue
    return `${jobPath(location!)}:${line}`
  }
  return undefined
}
