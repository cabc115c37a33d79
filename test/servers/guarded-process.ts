import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'

/**
 * Runs `"$@"` with its output in the file `$0`, tells its id, and ends with its exit code.
 *
 * Standard input is a pipe whose other end this process of ours has. However we end, the system closes that end, and what was
 * started is killed; a Java process would not notice. `$FOLDER`, if there is one, goes with it.
 */
const GUARD = `
exec 3<&0
"$@" 3<&- </dev/null >>"$0" 2>&1 &
child=$!
echo "$child"
{
  read -r line <&3
  echo >"$0.orphan"
  kill -KILL "$child"
} >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$child"
code=$?
kill -KILL "$guard"
if [ -e "$0.orphan" ]; then rm -rf "$0.orphan" "$FOLDER"; fi
exit "$code"
`

/** How much of the log an error shows. */
const MAX_LOG_CHARACTERS = 4_000

export interface GuardedProcessOptions {
  /** Where its output is appended. */
  readonly log: string
  /** A folder that is removed when this process of ours ends before the started one. Default: none. */
  readonly folder?: string | undefined
}

/** A process that never outlives the one that started it, not even when that one is killed. It does not keep it alive either. */
export class GuardedProcess {
  readonly log: string
  readonly #shell: ChildProcess
  readonly #ended: Promise<number>
  #pid = 0
  #code: number | undefined

  private constructor(command: string, args: readonly string[], options: GuardedProcessOptions) {
    this.log = options.log
    // A session of its own: Ctrl-C in the terminal is for us, and we decide what it means for the process.
    this.#shell = spawn('sh', ['-c', GUARD, this.log, command, ...args], {
      detached: true,
      env: { ...process.env, FOLDER: options.folder ?? '' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.#shell.stdin!.on('error', () => {})
    this.#ended = new Promise((resolve) => {
      const end = (code: unknown): void => {
        this.#code = typeof code === 'number' ? code : -1
        resolve(this.#code)
      }
      this.#shell.once('exit', end)
      this.#shell.once('error', end)
    })
  }

  /** Resolves when it has an id. */
  static async start(
    command: string,
    args: readonly string[],
    options: GuardedProcessOptions,
  ): Promise<GuardedProcess> {
    const started = new GuardedProcess(command, args, options)
    const shell = started.#shell
    for await (const line of createInterface({ input: shell.stdout! })) {
      started.#pid = Number(line)
      break
    }
    if (!(started.#pid > 0)) throw new Error(`${command} was not started: ${started.endOfLog()}`)
    shell.unref()
    for (const pipe of [shell.stdin, shell.stdout] as Socket[]) pipe.unref()
    return started
  }

  get pid(): number {
    return this.#pid
  }

  /** Its exit code, 128 and the signal's number if it was a signal; undefined while it runs. */
  get exitCode(): number | undefined {
    return this.#code
  }

  /** Sends a signal and waits until the process is gone; with SIGSTOP until it stands still, with SIGCONT for nothing. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.#code !== undefined) return
    try {
      process.kill(this.#pid, signal)
    } catch (error) {
      // It is gone, and we shall hear of it.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    if (signal === 'SIGSTOP') await untilStopped(this.#pid)
    else if (signal !== 'SIGCONT') await this.ended()
  }

  /** Resolves with the exit code. */
  async ended(): Promise<number> {
    this.#shell.ref()
    return this.#ended
  }

  /** The last part of what it wrote. */
  endOfLog(): string {
    return readFileSync(this.log, 'utf8').slice(-MAX_LOG_CHARACTERS)
  }
}

/** On a busy machine a process goes on until the system has told one of its threads of the signal. Where there is no /proc, waits for nothing. */
async function untilStopped(pid: number): Promise<void> {
  for (;;) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
    if (text === undefined || /^ [TZX]/.test(text.slice(text.lastIndexOf(')') + 1))) return
    await setTimeout(5)
  }
}
