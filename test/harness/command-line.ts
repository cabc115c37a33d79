import { fileURLToPath } from 'node:url'

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/**
 * The command line as arguments of node: in tests as it is installed, from what their setup has built, which starts in half of
 * the time; else from the sources.
 */
export const COMMAND_LINE: readonly string[] =
  process.env['MILLRACE_BUILT'] === '1'
    ? [at('dist/main.js')]
    : ['-C', '@millrace/source', at('cli/main.ts')]
