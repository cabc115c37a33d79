import { spawn } from 'node:child_process'

/** How long output may come behind the end of a process. */
const GRACE_MS = 2_000

export interface Step {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Where Vitest leaves its results. */
  readonly report?: string
  /** When it is ended, which counts as a failure. Default: never. */
  readonly limitSeconds?: number
  /** Why tests of it are skipped, in one line for all of them. Default: each is told by name. */
  readonly skipReason?: string | undefined
}

interface Ended {
  /** 0 when it passed. */
  readonly code: number
  readonly seconds: number
}

/** A step under way. What it prints is kept back until somebody waits for its end, and comes at once from then on. */
export class RunningStep {
  readonly step: Step
  readonly #ended: Promise<Ended>
  #kept: Uint8Array[] | undefined = []

  constructor(step: Step) {
    this.step = step
    const { name, command, args, limitSeconds = 0 } = step
    const startedAt = performance.now()
    this.#ended = new Promise((resolve) => {
      const end = (code: number): void => {
        resolve({ code, seconds: (performance.now() - startedAt) / 1_000 })
      }
      const child = spawn(command, args, {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: process.stdout.isTTY ? { FORCE_COLOR: '1', ...process.env } : process.env,
        timeout: limitSeconds * 1_000,
        killSignal: 'SIGKILL',
      })
      const streams = [child.stdout, child.stderr]
      for (const stream of streams) {
        stream.on('data', (chunk: Uint8Array) => this.#print(chunk))
      }
      // Where it was killed, processes of its own may hold its output open.
      child.on('exit', () => {
        setTimeout(() => streams.forEach((stream) => stream.destroy()), GRACE_MS).unref()
      })
      child.on('error', (error) => {
        this.#print(`${command} cannot be started: ${error.message}; run npm ci first.\n`)
        end(1)
      })
      child.on('close', (code, signal) => {
        if (signal !== null && limitSeconds > 0) {
          this.#print(`${name} was ended after ${limitSeconds} s at most.\n`)
        }
        end(code ?? 1)
      })
    })
  }

  /** Prints what it has printed so far, and all that follows; resolves when it has ended. */
  ended(): Promise<Ended> {
    for (const chunk of this.#kept ?? []) process.stdout.write(chunk)
    this.#kept = undefined
    return this.#ended
  }

  #print(text: string | Uint8Array): void {
    const chunk = typeof text === 'string' ? Buffer.from(text) : text
    if (this.#kept === undefined) process.stdout.write(chunk)
    else this.#kept.push(chunk)
  }
}
