import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'

/** What a process has told: events of the run, and `ended` with its outcome. */
export interface Told {
  readonly type: string
  readonly status?: string
  readonly code?: string
  readonly message?: string
}

/** A run in a process of its own, which a test may kill. */
export class RunningProcess {
  readonly child: ChildProcess
  readonly told: Told[] = []
  readonly ended: Promise<void>
  #onTold: (() => void) | undefined

  constructor(job: URL, options: RunJobOptions, env: Readonly<Record<string, string>> = {}) {
    const script = fileURLToPath(new URL('./run-process.ts', import.meta.url))
    const args = ['-C', '@millrace/source', script, job.href, JSON.stringify(options)]
    this.child = spawn(process.execPath, args, {
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.told.push(JSON.parse(line) as Told)
      this.#onTold?.()
    })
    this.ended = new Promise((resolve) => this.child.on('close', () => resolve()))
  }

  /** Resolves when it has told an event of that type. */
  until(type: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.told.some((one) => one.type === type)) resolve()
      }
      this.#onTold = look
      void this.ended.then(() => reject(new Error(`it ended without ${type}`)))
      look()
    })
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}
