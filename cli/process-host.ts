import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { SystemClock } from '../runtime/clock.ts'
import { parallelismOf } from './args.ts'
import { runCommand } from './command.ts'
import { tellFailure } from './failure.ts'
import type { Host } from './host.ts'
import type { RunSettings } from './run.ts'
import type { TextStream } from './screen.ts'
import { type StopSignal, STOP_SIGNALS } from './signals.ts'
import { setThreadPoolSize } from './thread-pool.ts'

/**
 * Does what a command line says in this process and resolves with the exit code; the first thing that a process does.
 *
 * The process should then be left to end by itself, so that what has been written arrives.
 */
export async function runInProcess(
  argv: readonly string[],
  settings?: RunSettings,
): Promise<number> {
  setThreadPoolSize(process.env, parallelismOf(argv) ?? availableParallelism())
  process.setSourceMapsEnabled(true)
  const host = processHost()
  process.on('uncaughtException', (error) => endWith(error, argv.includes('--json'), host))
  return runCommand(argv, host, settings)
}

/** What nobody caught is a defect; the state is as after a crash, from which the next run goes on. */
function endWith(error: unknown, json: boolean, host: Host): void {
  // There may be a live line.
  if (host.stderr.isTerminal) host.stderr.write('\n')
  host.exit(tellFailure(error, { json, isStarted: true }, host))
}

/** The host of a real process. Makes the end of a pipe (`| head`) no error. */
export function processHost(): Host {
  const stdout = new ProcessStream(process.stdout)
  const stderr = new ProcessStream(process.stderr)
  return {
    stdout,
    stderr,
    env: process.env,
    clock: new SystemClock(),
    version: packageVersion(),
    // The engine is loaded when it is needed: help and mistakes are answered at once, and nothing of it can start threads
    // of the pool before their number has been set.
    runJob: async (job, options) =>
      (await import('../runtime/job/run-job.ts')).runJob(job, options),
    planJob: async (job, options) =>
      (await import('../runtime/job/planning.ts')).planJob(job, options),
    describeJob: async (job, options) =>
      (await import('../runtime/job/planning.ts')).describeJob(job, options),
    commandJob: async (job, command, onProgress) =>
      (await import('../runtime/job/control-client.ts')).commandJob(job, command, onProgress),
    onStopSignal(callback) {
      const signals = Object.keys(STOP_SIGNALS) as StopSignal[]
      for (const signal of signals) process.on(signal, callback)
      return () => {
        for (const signal of signals) process.off(signal, callback)
      }
    },
    onOutputClosed: (callback) => stdout.onClosed(callback),
    exit: (code) => process.exit(code),
  }
}

/** A standard stream of this process; once its reader has gone, writing does nothing. */
class ProcessStream implements TextStream {
  readonly #stream: NodeJS.WriteStream
  #isClosed = false
  readonly #callbacks: (() => void)[] = []
  readonly #waiting: (() => void)[] = []

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    stream.on('error', () => this.#close())
    stream.on('drain', () => this.#release())
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true
  }

  get columns(): number | undefined {
    return this.isTerminal ? this.#stream.columns : undefined
  }

  write(text: string): boolean {
    return this.#isClosed || this.#stream.write(text)
  }

  drained(): Promise<void> {
    if (this.#isClosed || !this.#stream.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  onClosed(callback: () => void): void {
    if (this.#isClosed) callback()
    else this.#callbacks.push(callback)
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #close(): void {
    this.#isClosed = true
    this.#release()
    for (const callback of this.#callbacks.splice(0)) callback()
  }
}

function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('millrace/package.json') as { version: string }
  return version
}
