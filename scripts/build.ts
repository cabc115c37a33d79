/** `npm run build`: compiles the package to `dist/` and checks that no file of it is left out. */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
for (const file of [
  'dist/index.js',
  'dist/index.d.ts',
  'dist/testing/index.js',
  'dist/state/index.js',
  'dist/connectors/kafka/index.js',
  'dist/connectors/formats/index.js',
  'dist/cli/main.js',
]) {
  if (status === 0 && !existsSync(file)) throw new Error(`${file} was not built`)
}
process.exitCode = status ?? 1
