import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cardFile, repeatedCards, warm } from './card-input.ts'
import { showSpread, type Spread, spreadOf } from './spread.ts'
import { inFolder } from './temporary-folder.ts'

export const fraudHelp = `fraud [--rounds 5] [--times N] [--parallelism 1,2]
  The fraud job against a hand-written single-thread loop of the same work, in turn: wall and CPU seconds from the first
  record to the last commit, start-up outside, as ratios engine / loop with minimum, median and maximum.
  --times N   how often the input is repeated (default: what lasts about 10 s)`

/** What a contender prints. */
interface Figures {
  readonly rows: number
  readonly alerts: number
  readonly wallSeconds: number
  readonly cpuSeconds: number
  readonly peakMb: number
}

export async function fraudBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      times: { type: 'string' },
      parallelism: { type: 'string', default: '1,2' },
    },
  })
  const { isWhole } = cardFile()
  const times = Number(values.times ?? (isWhole ? 12 : 180))
  const parallelisms = values.parallelism.split(',').map(Number)
  console.log(`making the input: the card file ${times} times over (once, kept in ${tmpdir()})`)
  const { path, rows } = await repeatedCards(times)
  await warm(path)
  const loops: Figures[] = []
  const engines = new Map<number, Figures[]>(parallelisms.map((one) => [one, []]))
  for (let round = 1; round <= Number(values.rounds); round++) {
    const loop = await runLoop(path)
    loops.push(loop.figures)
    console.log(`round ${round}: loop   ${show(loop.figures)}`)
    for (const parallelism of parallelisms) {
      const engine = await runEngine(path, parallelism)
      engines.get(parallelism)!.push(engine.figures)
      const isEqual = sameRows(loop.output, engine.output)
      console.log(
        `round ${round}: p=${parallelism}    ${show(engine.figures)}${isEqual ? '' : '  ROWS DIFFER'}`,
      )
      if (!isEqual || engine.figures.rows !== rows) process.exitCode = 1
    }
  }
  for (const [parallelism, figures] of engines) {
    const wall = ratios(figures, loops, (one) => one.wallSeconds)
    const cpu = ratios(figures, loops, (one) => one.cpuSeconds)
    console.log(
      `\nengine / loop at parallelism ${parallelism}: wall ${showSpread(wall)}, CPU ${showSpread(cpu)}`,
    )
    const peak = Math.max(...figures.map((one) => one.peakMb))
    console.log(JSON.stringify({ bench: 'fraud', parallelism, rows, wall, cpu, peakMb: peak }))
  }
}

async function runLoop(input: string): Promise<{ figures: Figures; output: string[] }> {
  return inFolder(async (folder) => {
    const output = join(folder, 'alerts.jsonl')
    const figures = await child('fraud-loop.ts', [input, output])
    return { figures, output: (await readFile(output, 'utf8')).trimEnd().split('\n').sort() }
  })
}

async function runEngine(
  input: string,
  parallelism: number,
): Promise<{ figures: Figures; output: string[] }> {
  return inFolder(async (folder) => {
    const figures = await child('fraud-engine.ts', [input, folder, String(parallelism)])
    const out = join(folder, 'out')
    const texts = await Promise.all(
      (await readdir(out)).map((name) => readFile(join(out, name), 'utf8')),
    )
    return { figures, output: texts.join('').trimEnd().split('\n').sort() }
  })
}

/** Runs a contender in a process of its own and reads the line that it prints. */
export function child<F = Figures>(
  script: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): Promise<F> {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const env = { ...process.env, UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'] ?? '12' }
  const all = [...nodeArgs, '-C', '@millrace/source', file, ...args]
  const running = spawn(process.execPath, all, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  running.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  return new Promise((resolve, reject) => {
    running.on('error', reject)
    running.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(printed.trim().split('\n').at(-1)!) as F)
      else reject(new Error(`${script} ended with ${code}`))
    })
  })
}

function sameRows(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((row, index) => row === b[index])
}

function ratios(
  of: readonly Figures[],
  to: readonly Figures[],
  figure: (one: Figures) => number,
): Spread {
  return spreadOf(of.map((one, index) => figure(one) / figure(to[index]!)))
}

function show({ rows, wallSeconds, cpuSeconds, peakMb }: Figures): string {
  const perSecond = Math.round(rows / wallSeconds).toLocaleString('en')
  return `${wallSeconds.toFixed(2)} s wall, ${cpuSeconds.toFixed(2)} s CPU, ${perSecond} rows/s, ${peakMb} MB`
}
