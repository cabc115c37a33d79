import { type ChildProcess, spawn } from 'node:child_process'
import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isS3Url } from '../../runtime/aws/s3-url.ts'
import { commandJob } from '../../runtime/job/control-client.ts'
import { COMMAND_LINE } from '../harness/command-line.ts'

const unrulyDisk = new URL('./unruly-disk.mjs', import.meta.url).href

/** A run that has not ended after so long hangs. */
const HANG_MS = 120_000
/** How often the working state is looked at. */
const LOOK_MS = 20

/** So long after something that is seen from outside happens for the nth time. */
export interface Moment {
  /**
   * The process has been spawned, has told that on stdout, a folder for a new checkpoint has appeared (`begun`), or it has
   * been sent a command (`commanded`).
   */
  readonly after:
    | 'spawned'
    | 'started'
    | 'running'
    | 'begun'
    | 'checkpoint'
    | 'savepoint'
    | 'stopping'
    | 'commanded'
  readonly nth: number
  readonly delayMs: number
}

/** A savepoint that a run is told to take, or to stop with. */
export interface Savepoint {
  readonly verb: 'savepoint' | 'stop'
  readonly at: Moment
  /** What the next run does if it is complete: it goes on by itself, or starts from it. */
  readonly next: 'resume' | 'from' | 'claim'
}

/** What goes wrong with the files of checkpoints in one process; see `unruly-disk.mjs`. */
export interface DiskTrouble {
  /** The process is killed in the nth of these calls to a file with that in its path, in whatever thread. */
  readonly kill?: {
    readonly calls: readonly string[]
    readonly name: string
    readonly nth: number
  }
  /** So long after the start, for so long, calls fail with that probability; all the time some take up to `slowMs`. */
  readonly faults?: {
    readonly seed: number
    readonly probability: number
    readonly fromMs: number
    readonly forMs: number
    readonly slowMs: number
  }
}

/** What is done to one run; `label`: what it is to hit, for the summary. */
export type Blow = {
  readonly label?: string
  readonly savepoint?: Savepoint
  readonly disk?: DiskTrouble
} & (
  | { readonly kind: 'kill'; readonly at: Moment }
  /** SIGKILL by the process itself, where a thread reaches that point for the count-th time. */
  | { readonly kind: 'failpoint'; readonly name: string; readonly count: number }
  /** Ctrl-C; with `kill` the last checkpoint is not waited for. */
  | { readonly kind: 'stop'; readonly at: Moment; readonly kill?: Moment }
  /** `millrace checkpoints gc` in place of a run. */
  | { readonly kind: 'gc' }
  | { readonly kind: 'none' }
)

/** Where a run is, for commands to it. */
export interface RunPlace {
  /** Its working directory. */
  readonly folder: string
  /** However little state there is, it is loaded while records flow already (R28). */
  readonly loadsLate: boolean
  /** However few changes leave the cache, they are written to files. */
  readonly writesChanges: boolean
  readonly dir: string
  /** As `--work`, where `dir` is in S3. */
  readonly work?: string
  readonly job: string
  /** Where its savepoint goes. */
  readonly savepoint: string
  /** What its environment has besides that of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** One line of `--json`. */
export interface RunLine {
  readonly type: string
  readonly mode?: string
  readonly directory?: string
  readonly lineage?: string
  readonly status?: string
  readonly notes?: readonly string[]
  readonly error?: { readonly code?: string }
  readonly code?: string
}

export interface RunEnd {
  readonly code: number | null
  readonly signal: string | null
  readonly lines: readonly RunLine[]
  readonly stderr: string
  readonly hangs: boolean
  /** It was killed from outside; one that was killed and not so has done it itself, at its failpoint or call. */
  readonly isKilled: boolean
  /** State has been written to LevelDB at some time. */
  readonly hasSpilled: boolean
  /** Changes that waited for a checkpoint have been written to files at some time. */
  readonly hasWrittenChanges: boolean
  /** What is wrong with the answer to a command. */
  readonly problem: string | undefined
}

/** Answers of a run that has been killed, or has ended, when it is told something. */
const MISSED: ReadonlySet<string> = new Set([
  'MR_COMMAND_LOST',
  'MR_JOB_NOT_RUNNING',
  'MR_JOB_STOPPING',
  'MR_SAVEPOINT_FAILED',
])

/** Runs millrace with these arguments in a process of its own and deals it the blow; resolves when it has ended. */
export function runChild(args: readonly string[], blow: Blow, place: RunPlace): Promise<RunEnd> {
  return new ChildRun(args, blow, place).ended
}

class ChildRun {
  readonly ended: Promise<RunEnd>
  readonly #child: ChildProcess
  readonly #blow: Blow
  readonly #place: RunPlace
  #commanding: Promise<void> = Promise.resolve()
  #problem: string | undefined
  readonly #counts: Map<Moment['after'], number> = new Map()
  readonly #lines: RunLine[] = []
  readonly #timers: NodeJS.Timeout[] = []
  #watcher: FSWatcher | undefined
  #work: string | undefined
  #rest = ''
  #stderr = ''
  #hangs = false
  #isKilled = false
  #hasSpilled = false
  #hasWrittenChanges = false

  constructor(args: readonly string[], blow: Blow, place: RunPlace) {
    this.#blow = blow
    this.#place = place
    const { disk } = blow
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      ...place.env,
      NODE_OPTIONS: disk === undefined ? '' : `--import ${unrulyDisk}`,
      MILLRACE_TEST_DISK: JSON.stringify(disk),
    }
    if (place.loadsLate) env['MILLRACE_EAGER_RESTORE_BYTES'] = '0'
    if (place.writesChanges) env['MILLRACE_CHANGE_BYTES'] = '4096'
    // Each run starts threads that import the same modules: compiled once, they start in half the time.
    env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'millrace-compile-cache')
    env['MILLRACE_FAILPOINT'] = blow.kind === 'failpoint' ? `${blow.name}:${blow.count}` : ''
    this.#child = spawn(process.execPath, [...COMMAND_LINE, ...args, '--json'], {
      cwd: place.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', (code, signal) => {
        void this.#commanding.then(() => resolve(this.#end(code, signal)))
      })
    })
    this.#later(HANG_MS, () => {
      this.#hangs = true
      this.#kill()
    })
    this.#timers.push(setInterval(() => this.#lookForSpill(), LOOK_MS))
    this.#happened('spawned')
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      const told = JSON.parse(line) as RunLine
      this.#lines.push(told)
      if (told.type === 'started') this.#watch(told)
      this.#happened(told.type as Moment['after'])
    }
  }

  /** Sees new folders of checkpoints as they appear. */
  #watch({ directory, lineage }: RunLine): void {
    if (isS3Url(directory!)) return
    this.#work = join(directory!, 'work')
    const folder = join(directory!, 'checkpoints', lineage!)
    const seen = new Set(readdirSync(folder))
    this.#watcher = watch(folder, (_, name) => {
      if (name === null || seen.has(name)) return
      seen.add(name)
      this.#happened('begun')
    })
  }

  #happened(what: Moment['after']): void {
    const count = (this.#counts.get(what) ?? 0) + 1
    this.#counts.set(what, count)
    const blow = this.#blow
    const is = (moment: Moment | undefined): moment is Moment =>
      moment !== undefined && moment.after === what && moment.nth === count
    if (is(blow.savepoint?.at)) this.#later(blow.savepoint.at.delayMs, () => this.#command())
    if (blow.kind === 'kill' && is(blow.at)) {
      this.#later(blow.at.delayMs, () => this.#kill())
    }
    if (blow.kind !== 'stop') return
    if (is(blow.at)) this.#later(blow.at.delayMs, () => this.#child.kill('SIGINT'))
    if (is(blow.kill)) this.#later(blow.kill.delayMs, () => this.#kill())
  }

  #kill(): void {
    this.#isKilled = true
    this.#child.kill('SIGKILL')
  }

  #command(): void {
    const { verb } = this.#blow.savepoint!
    const { savepoint: path, dir, work, job: name } = this.#place
    const job = { dir, job: name, ...(work === undefined ? {} : { work }) }
    const command = verb === 'stop' ? { verb, path, drain: false } : { verb, path }
    this.#commanding = commandJob(job, command).then(
      () => {},
      // Killed, or over before it was asked.
      (error: { readonly code?: string; readonly message: string }) => {
        if (!MISSED.has(error.code ?? '')) this.#problem = `${verb}: ${error.message}`
      },
    )
    this.#happened('commanded')
  }

  #later(delayMs: number, work: () => void): void {
    this.#timers.push(setTimeout(work, delayMs))
  }

  #lookForSpill(): void {
    if (this.#work === undefined) return
    this.#hasSpilled ||= anyIn(this.#work, (name) => name === 'CURRENT')
    this.#hasWrittenChanges ||= anyIn(this.#work, (name) => name.startsWith('changes-'))
  }

  #end(code: number | null, signal: string | null): RunEnd {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#watcher?.close()
    this.#lookForSpill()
    return {
      code,
      signal,
      lines: this.#lines,
      stderr: this.#stderr,
      hangs: this.#hangs,
      isKilled: this.#isKilled,
      hasSpilled: this.#hasSpilled,
      hasWrittenChanges: this.#hasWrittenChanges,
      problem: this.#problem,
    }
  }
}

/** Whether a subtask of the attempt has such a file in its folder, `work/<attempt>/<slot>/<vertex>`. */
function anyIn(work: string, is: (name: string) => boolean): boolean {
  const inside = (folder: string): string[] => {
    try {
      return readdirSync(folder)
    } catch {
      // Removed in the meantime, or not there yet.
      return []
    }
  }
  const below = (folder: string): string[] => inside(folder).map((name) => join(folder, name))
  return below(work).flatMap(below).flatMap(below).flatMap(inside).some(is)
}
