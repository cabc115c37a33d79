import { createRequire } from 'node:module'

/** The version of this package, as manifests have it. */
export function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('millrace/package.json') as { version: string }
  return version
}
