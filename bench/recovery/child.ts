import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { monotonicMs } from '../monotonic.ts'

/** What a process of the job is given. */
export interface RecoverySetting {
  readonly folder: string
  /** From the sources, or what has been built. */
  readonly nodeArgs: readonly string[]
  readonly parallelism: number
  readonly memory: string
  readonly checkpointMs: number
  readonly keys: number
  readonly rate: number
  /** When the first record is due, by `monotonicMs`. */
  readonly startAt: number
}

/** The job reads how many records there are in all from this file, once it is there. */
export function endFile(folder: string): string {
  return join(folder, 'end')
}

/** What a process tells, and when. */
export interface Line {
  readonly type: string
  readonly at: number
  readonly recordsRead?: number
  readonly loadedShare?: number
}

/** A process of the job. */
export interface Child {
  readonly lines: readonly Line[]
  /** Resolves as soon as the lines so far are enough; rejects when the process ends before. */
  until(isEnough: (lines: readonly Line[]) => boolean): Promise<void>
  /** Kills it at once; when it has ended, as seen from here, is `exitedAt`. */
  kill(): Promise<{ readonly killedAt: number; readonly exitedAt: number }>
  /** Resolves when it has ended by itself with exit 0. */
  finished(): Promise<void>
}

/** Starts the job, from its last checkpoint if it has one. */
export function startChild(setting: RecoverySetting): Child {
  const script = fileURLToPath(new URL('recovery-run.ts', import.meta.url))
  const running = spawn(process.execPath, [...setting.nodeArgs, script, JSON.stringify(setting)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: Line[] = []
  let look = (): void => {}
  createInterface({ input: running.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text) as Line)
    look()
  })
  const exited = new Promise<number>((resolve, reject) => {
    running.once('error', reject)
    running.once('exit', () => resolve(monotonicMs()))
  })
  // Its last lines are here, too.
  const closed = new Promise<number | null>((resolve) => running.once('close', resolve))
  return {
    lines,
    async until(isEnough) {
      const enough = new Promise<void>((resolve) => {
        look = () => {
          if (isEnough(lines)) resolve()
        }
      })
      look()
      const ended = closed.then((code) => {
        if (isEnough(lines)) return
        const last = lines.findLast(({ type }) => type !== 'progress')?.type
        throw new Error(`the job has ended with ${code} too early; its last event was ${last}`)
      })
      await Promise.race([enough, ended])
    },
    async kill() {
      const killedAt = monotonicMs()
      running.kill('SIGKILL')
      return { killedAt, exitedAt: await exited }
    },
    async finished() {
      const code = await closed
      if (code !== 0) throw new Error(`the job has ended with ${code}`)
    },
  }
}
