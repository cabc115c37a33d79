/**
 * `npm run build [-- --no-types]`: bundles the package into `dist/`, and makes the declarations.
 *
 * Every thread of a job loads what a job may need: a few large files are read in half of the time that hundreds of small ones
 * take. A file stays untouched where nothing of it has changed, so that what runs from `dist/` meanwhile goes on.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { rolldown } from 'rolldown'

const OUT = 'dist'

/** What is started or loaded by its name: the command line, threads, and a sink that few jobs need. */
const NAMED: Readonly<Record<string, string>> = {
  'hand-over': 'cli/hand-over.ts',
  main: 'cli/main.ts',
  worker: 'runtime/job/worker.ts',
  'planning-worker': 'runtime/job/planning-worker.ts',
  'merge-worker': 'runtime/job/merge-worker.ts',
  's3-sink': 'connectors/s3/s3-sink.ts',
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  await writeCode()
  return args.includes('--no-types') ? 0 : writeDeclarations()
}

/** What package.json exports: the sources by the name of what they become. */
function exported(): Record<string, string> {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  }
  const targets = Object.values(exports).filter((target) => typeof target !== 'string')
  return Object.fromEntries(
    targets.map((target) => [basename(target['default']!, '.js'), target['@millrace/source']!]),
  )
}

async function writeCode(): Promise<void> {
  const bundle = await rolldown({
    input: { ...exported(), ...NAMED },
    // All that is installed beside it; paths of its own begin with a dot or a slash.
    external: /^[^./]/,
    platform: 'node',
  })
  // All files side by side: a thread's file is looked for beside the one that starts it.
  const { output } = await bundle.generate({ format: 'esm', chunkFileNames: '[name]-[hash].js' })
  await bundle.close()
  mkdirSync(OUT, { recursive: true })
  const made = new Set<string>()
  for (const file of output) {
    if (file.type !== 'chunk') throw new Error(`${file.fileName} is no code`)
    made.add(file.fileName)
    const path = join(OUT, file.fileName)
    if (!existsSync(path) || readFileSync(path, 'utf8') !== file.code)
      writeFileSync(path, file.code)
  }
  removeOthers('.js', made)
}

function writeDeclarations(): number {
  removeOthers('.d.ts', new Set())
  return spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' }).status ?? 1
}

/** Removes what an earlier build has made and this one has not. */
function removeOthers(extension: string, made: ReadonlySet<string>): void {
  for (const name of readdirSync(OUT, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith(extension) && !made.has(name)) rmSync(join(OUT, name))
  }
}
