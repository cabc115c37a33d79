import { execFileSync } from 'node:child_process'

/** Builds what the processes of the tests run: see `COMMAND_LINE`. */
export default function setup(): void {
  execFileSync(process.execPath, ['scripts/build.ts', '--no-types'], { stdio: 'inherit' })
}
