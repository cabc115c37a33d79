import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))

/** Runs a benchmark in a process of its own. */
export function bench(
  name: string,
  args: readonly string[],
): Promise<{ code: number | null; printed: string }> {
  const child = spawn(process.execPath, ['-C', '@millrace/source', main, name, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, printed }))
  })
}
