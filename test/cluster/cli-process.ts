import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { COMMAND_LINE } from '../harness/command-line.ts'

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url))

/** A line of `--json`. */
export type JsonLine = Readonly<Record<string, unknown>> & { readonly type: string }

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
}

export interface CliProcessOptions {
  readonly cwd?: string
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Arguments of node itself. */
  readonly nodeArgs?: readonly string[]
}

/** The command line in a process of its own. */
export class CliProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  #look: (() => boolean)[] = []

  constructor(args: readonly string[], options: CliProcessOptions = {}) {
    const { cwd, env = {}, nodeArgs = [] } = options
    this.child = spawn(process.execPath, [...nodeArgs, ...COMMAND_LINE, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      cwd,
    })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#wake()
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#wake()
    })
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('close', (code, signal) => {
        resolve({ code, signal })
        this.#wake()
      })
    })
  }

  /** What `--json` has written so far, whole lines only; a line that is no JSON fails. */
  get lines(): JsonLine[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as JsonLine)
  }

  /** Waits until something is so; fails when the process ends without it. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const look = (): boolean => {
        if (isSo()) resolve()
        else if (this.child.exitCode === null && this.child.signalCode === null) return false
        else reject(new Error(`it ended before: ${this.stdout}\n${this.stderr}`))
        return true
      }
      if (!look()) this.#look.push(look)
    })
  }

  /** Waits for so many lines of a type. */
  lineOf(type: string, count = 1): Promise<void> {
    return this.until(() => this.lines.filter((line) => line.type === type).length >= count)
  }

  #wake(): void {
    const waiting = this.#look
    this.#look = waiting.filter((look) => !look())
  }
}

/** Runs a command line to its end. */
export async function cli(...args: string[]): Promise<CliProcess & { readonly code: number }> {
  const process = new CliProcess(args)
  const { code, signal } = await process.ended
  return Object.assign(process, { code: code ?? Number.NaN, signal })
}
