import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const SEED = 4
const CASES = 1_000
/** The largest tenth of the cases of a campaign takes two thirds of its time. */
const MAX_EVENTS = 800
/** One a core of the smallest machine that tests run on. */
const PROCESSES = 2

/** Runs a part of the campaign in a process of its own; resolves with what it printed and how it ended. */
function campaign(from: number, count: number): Promise<string> {
  const script = fileURLToPath(new URL('../oracle/main.ts', import.meta.url))
  const flags = ['--seed', SEED, '--from', from, '--count', count, '--max-events', MAX_EVENTS]
  const child = spawn(process.execPath, ['-C', '@millrace/source', script, ...flags.map(String)], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(`${text}exit ${code}`))
  })
}

it('random operators on random streams, with crashes, put out what DuckDB and plain arrays say (R12, R24, R25, R41)', async () => {
  const each = CASES / PROCESSES
  const parts = Array.from({ length: PROCESSES }, (_, part) => campaign(part * each, each))
  for (const text of await Promise.all(parts)) {
    expect(text).toMatch(/: no difference\nexit 0$/)
    // State has been in LevelDB, and has come from there again.
    expect(text).toMatch(/[1-9]\d* entries spilled, [1-9]\d* read back/)
  }
}, 600_000)
