import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cardFile } from './card-input.ts'
import { inFolder } from './temporary-folder.ts'

export const restartHelp = `restart [--rounds 5] [--parallelism 2]
  Kills the fraud job with SIGKILL after its second checkpoint and starts it again: seconds from spawning the second process
  to its first new record (the first progress that has read one).`

const root = fileURLToPath(new URL('../', import.meta.url))

export async function restartBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      parallelism: { type: 'string', default: '2' },
    },
  })
  const seconds: number[] = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    const one = await inFolder(async (folder) => {
      await untilLine(
        folder,
        values.parallelism,
        (line, count) => line.type === 'checkpoint' && count === 2,
      )
      return untilLine(folder, values.parallelism, (line) => (line.recordsRead ?? 0) > 0)
    })
    seconds.push(one)
    console.log(`round ${round}: ${one.toFixed(2)} s`)
  }
  seconds.sort((a, b) => a - b)
  const median = seconds[Math.floor(seconds.length / 2)]!
  console.log(JSON.stringify({ bench: 'restart', medianSeconds: median, seconds }))
}

interface Line {
  readonly type: string
  readonly recordsRead?: number
}

/** Runs the job until one of its JSON lines fits, kills it, and returns the seconds since it was spawned. */
function untilLine(
  folder: string,
  parallelism: string,
  fits: (line: Line, count: number) => boolean,
): Promise<number> {
  const script = fileURLToPath(new URL('restart-run.ts', import.meta.url))
  const startedAt = performance.now()
  const running = spawn(
    process.execPath,
    ['-C', '@millrace/source', script, cardFile().path, folder, parallelism],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  return new Promise((resolve, reject) => {
    const counts = new Map<string, number>()
    let seconds: number | undefined
    createInterface({ input: running.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as Line
      const count = (counts.get(line.type) ?? 0) + 1
      counts.set(line.type, count)
      if (seconds !== undefined || !fits(line, count)) return
      seconds = (performance.now() - startedAt) / 1_000
      running.kill('SIGKILL')
    })
    running.on('error', reject)
    running.on('close', (code) => {
      if (seconds === undefined)
        reject(new Error(`the job ended with ${code} before it could be killed`))
      else resolve(seconds)
    })
  })
}
