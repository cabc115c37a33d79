import type { JobPlan } from '../runtime/graph/job-plan.ts'
import type { JobEvent, JobResult } from '../runtime/job/job-events.ts'
import { formatMs } from '../runtime/time-text.ts'
import type { RunCommand } from './args.ts'
import { tellFailure } from './failure.ts'
import type { Host } from './host.ts'
import { jsonFinished, jsonLines } from './json-output.ts'
import { type Noun, plainProgressLine, Progress, progressLine } from './progress.ts'
import { renderPlan } from './render-plan.ts'
import { endLines, eventTimeLine, firstLine, goOnLine, savepointLine } from './report.ts'
import { Screen } from './screen.ts'
import { StopRequest } from './signals.ts'

/** How often the live line is rewritten, and how often a plain line is written instead. */
const LIVE_INTERVAL_MS = 500
const PLAIN_INTERVAL_MS = 5_000

/** What whoever embeds the command may set. */
export interface RunSettings {
  /** What one written record is called. */
  readonly noun: Noun
}

/** Runs a job to its end, telling about it; resolves with the exit code, rejects with what ended the job. */
export async function run(command: RunCommand, host: Host, settings: RunSettings): Promise<number> {
  return new Run(command, host, settings).run()
}

/** Whether a terminal can rewrite a line. */
function isCapable(env: NodeJS.ProcessEnv): boolean {
  return env['TERM'] !== 'dumb' && !isSet(env['CI'])
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

/** Another run goes on from there. */
function isFenced(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'MR_JOB_FENCED'
}

function logPrefix(uid: string | undefined, subtaskIndex: number | undefined): string {
  if (uid === undefined) return ''
  return subtaskIndex === undefined ? `[${uid}] ` : `[${uid} #${subtaskIndex}] `
}

class Run {
  readonly #command: RunCommand
  readonly #host: Host
  readonly #noun: Noun
  readonly #screen: Screen
  readonly #progress: Progress = new Progress()
  readonly #stop: StopRequest
  #plan: JobPlan | undefined
  /** The checkpoint that the same command would go on from. */
  #checkpointId: number | undefined

  constructor(command: RunCommand, host: Host, settings: RunSettings) {
    this.#command = command
    this.#host = host
    this.#noun = settings.noun
    const isLive = !command.noProgress && !command.json && isCapable(host.env)
    this.#screen = new Screen(host.stdout, host.stderr, isLive)
    this.#stop = new StopRequest({
      clock: host.clock,
      onStop: () => this.#tellStop(),
      onGiveUp: () => this.#giveUp(),
    })
  }

  async run(): Promise<number> {
    const { options, job, json } = this.#command
    const cancel = this.#host.onStopSignal((signal) => this.#stop.receive(signal))
    this.#host.onOutputClosed(() => this.#stop.outputClosed())
    try {
      const result = await this.#host.runJob(job, {
        ...options,
        signal: this.#stop.signal,
        progressInterval: this.#screen.isLive ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS,
        onEvent: (event) => this.#receive(event),
        print: (uid, lines) => this.#print(uid, lines),
      })
      this.#screen.clearStatus()
      if (json) void this.#screen.print(jsonFinished(result))
      return this.#end(result)
    } catch (error) {
      this.#screen.clearStatus()
      const isStarted = this.#plan !== undefined
      const exitCode = tellFailure(error, { json, isStarted }, this.#host)
      if (isStarted && !isFenced(error)) this.#screen.log(this.#wayOn())
      return exitCode
    } finally {
      cancel()
    }
  }

  #receive(event: JobEvent): void {
    if (this.#command.json) {
      const lines = jsonLines(event)
      if (lines !== '') void this.#screen.print(lines)
    }
    this.#tell(event)
    if (event.type === 'started') this.#checkpointId = event.restored?.checkpointId
    if (event.type === 'checkpoint') this.#checkpointId = event.checkpointId
    if (!this.#progress.update(event)) return
    const { figures } = this.#progress
    if (this.#screen.isLive) {
      this.#screen.setStatus(progressLine(figures, this.#screen.columns, this.#noun))
    } else if (event.type === 'progress') {
      this.#screen.log(plainProgressLine(figures, this.#noun))
    }
  }

  #tell(event: JobEvent): void {
    const screen = this.#screen
    switch (event.type) {
      case 'started':
        this.#plan = event.plan
        screen.log(firstLine(event, this.#command.options.parallelism !== undefined))
        for (const note of event.notes) screen.log(`note: ${note}`)
        if (event.mode !== 'already-finished' && !this.#command.json) {
          for (const line of [...renderPlan(event.plan), '']) screen.log(`  ${line}`.trimEnd())
        }
        break
      case 'log':
        screen.log(`${logPrefix(event.uid, event.subtaskIndex)}${event.line}`)
        break
      case 'note':
        screen.log(`note: ${event.message}`)
        break
      case 'event-time-stalled':
      case 'event-time-resumed':
        screen.log(eventTimeLine(event))
        break
      case 'checkpoint-failed':
        screen.log(`checkpoint ${event.checkpointId} failed, its changes go into the next one:`)
        screen.log(`  ${event.error.code ?? event.error.name}: ${event.error.message}`)
        break
      case 'savepoint':
        screen.log(savepointLine(event))
        break
      case 'savepoint-failed':
        screen.log('a savepoint failed, the job goes on:')
        screen.log(`  ${event.error.code ?? event.error.name}: ${event.error.message}`)
        break
      case 'stopping':
      case 'draining':
        if (this.#stop.exitCode === undefined) screen.log('another process stops the job')
        break
      case 'restarting':
        screen.log(
          `attempt ${event.attempt - 1} failed, attempt ${event.attempt} begins from the last checkpoint in ${formatMs(event.delayMs)}:`,
        )
        screen.log(`  ${event.error.code ?? event.error.name}: ${event.error.message}`)
        break
      default:
        break
    }
  }

  #print(uid: string, lines: string): Promise<void> | undefined {
    const text = this.#command.json ? jsonLines({ type: 'print', uid, lines }) : lines
    return this.#screen.print(text)
  }

  #end(result: JobResult): number {
    const lines = this.#plan === undefined ? [] : endLines(result, this.#plan, this.#noun)
    for (const line of lines) this.#screen.log(line)
    if (result.status !== 'stopped') return 0
    this.#screen.log(this.#wayOn())
    return this.#stop.exitCode ?? 0
  }

  #tellStop(): void {
    const isDrain = this.#command.options.drain === true
    const what = isDrain
      ? ': the input ends here, what waits in windows and timers is put out'
      : ': taking a last checkpoint'
    const told = this.#plan === undefined ? '' : what
    this.#screen.log(`stopping${told} (Ctrl-C again does not wait for it)`)
  }

  /** Ends the process, and with it every thread; what the last checkpoint holds is safe. */
  #giveUp(): void {
    this.#screen.clearStatus()
    this.#screen.log('stopped without a last checkpoint: the threads were terminated')
    this.#screen.log(this.#wayOn())
    this.#host.exit(1)
  }

  #wayOn(): string {
    if (this.#plan === undefined) return 'the job had not been started: nothing has changed'
    return goOnLine(this.#command.options.fresh === true, this.#checkpointId)
  }
}
