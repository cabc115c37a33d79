import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MANIFEST } from '../../runtime/checkpoint/file-names.ts'
import { MAX_CHAIN } from '../../runtime/checkpoint/fold-plan.ts'
import { decodeManifest } from '../../runtime/checkpoint/manifest-codec.ts'
import {
  type Blow,
  type RunEnd,
  type RunLine,
  type RunPlace,
  runChild,
  type Savepoint,
} from './child-run.ts'
import { type CommittedOutput, readCommitted } from './committed-output.ts'
import { names, readStateFolder, type StateFolder } from './state-folder.ts'

/** One job of a campaign: how it runs, and what it must put out. */
export interface CrashCase {
  /** Path of the module, and the name that the job gives itself. */
  readonly job: string
  readonly name: string
  /** A file or a folder. */
  readonly input: string
  readonly parallelism: number
  /** That of the second run, the third and so on, each going on from what the one before has left; the last one stays. */
  readonly goesOnAt?: readonly number[]
  readonly checkpointIntervalMs: number
  readonly params: Readonly<Record<string, number>>
  /** Least that it takes, so that its state does not fit; undefined for the default. */
  readonly memory: string | undefined
  /** However little state there is, it is loaded while records flow already (R28). */
  readonly loadsLate?: boolean
  /** However few changes leave the cache, they wait for their checkpoint in files; with so little memory that some leave it. */
  readonly writesChanges?: boolean
  /** The rows that an uninterrupted run commits, sorted. */
  readonly expected: readonly string[]
}

/** Where a run was when it was killed, as told by its last words and by what it left on the disk. */
export const PHASES = [
  'before the start',
  'first deployment',
  'recovery',
  'running',
  'in a checkpoint',
  'between publish and commit',
  'after the end',
  'collecting garbage',
] as const
export type Phase = (typeof PHASES)[number]

export interface CaseOutcome {
  /** Where each SIGKILL fell. */
  readonly kills: readonly Phase[]
  /** What the kills have hit, by name: some have hit several things. */
  readonly hits: readonly string[]
  /** Runs with a disk that failed, and those of them that ended because of that. */
  readonly faultyRuns: number
  readonly faultyEnds: number
  /** Ctrl-C that led to a last checkpoint. */
  readonly stops: number
  /** Runs that wrote state to LevelDB. */
  readonly spills: number
  /** Runs that wrote changes to files before their checkpoint. */
  readonly changeFiles: number
  /** Savepoints that were complete, and those that a life has begun from. */
  readonly savepoints: number
  readonly restores: number
  /** What runs that went on from a checkpoint of another parallelism told of it. */
  readonly rescales: readonly string[]
  /** Files that a reader sees at the end. */
  readonly files: number
  /** Most bytes that the checkpoints took at any time. */
  readonly mostBytes: number
  /** The first failpoint that was not reached, since the input had ended before. */
  readonly missed: string | undefined
  readonly folder: string
  /** What is wrong, in words; empty if nothing is. */
  readonly problems: readonly string[]
}

/** Checkpoints with a manifest at the end; a killed run may leave those that came while it removed others, or folded. */
const RETAINED = 3
const RETAINED_AFTER_KILL = 6
const RETAINED_AFTER_FAULTS = 20
/** Folders without a manifest: of segments that a chain still names, and of checkpoints that came to nothing. */
const MOST_UNPUBLISHED = 2 * MAX_CHAIN
const LOCK_FILES = 12
/** By so much a chain may grow that begins too long, as those of several subtasks became one. */
const LONGER = 4

/**
 * Deals one blow after another to runs of one job, lets it end, and compares at each step what it has committed, and what
 * it has left on the disk, with what may be there. Its folder stays where something is wrong.
 */
export async function runCase(one: CrashCase, blows: readonly Blow[]): Promise<CaseOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-crash-'))
  const life = new JobLife(one, folder)
  for (const blow of blows) {
    if (!life.isOver) await life.run(blow)
    else if (life.isFinished) life.miss(blow)
  }
  if (!life.isOver) await life.run({ kind: 'none' })
  // Once more: a finished job does nothing (R34).
  if (!life.isOver || life.isFinished) await life.run({ kind: 'none' })
  if (life.outcome.problems.length === 0) await rm(folder, { recursive: true })
  return life.outcome
}

/** What one job does over all its runs, and what was seen of it. */
class JobLife {
  readonly #case: CrashCase
  readonly #folder: string
  readonly #kills: Phase[] = []
  readonly #hits: string[] = []
  #faultyRuns = 0
  #faultyEnds = 0
  readonly #problems: string[] = []
  #stops = 0
  #spills = 0
  #changeFiles = 0
  #savepoints = 0
  readonly #rescales: string[] = []
  #mostBytes = 0
  /** Of the run to come. */
  #longestChain = MAX_CHAIN
  #missed: string | undefined
  /** How often the life has begun anew from a savepoint, and the one it has begun from last. */
  #restores = 0
  #start:
    { readonly path: string; readonly checkpointId: number; readonly claim: boolean } | undefined
  #runs = 0
  #isFinished = false
  #highestId = 0
  #finished: Map<string, string> = new Map()

  constructor(one: CrashCase, folder: string) {
    this.#case = one
    this.#folder = folder
  }

  /** Finished, or something is wrong. */
  get isOver(): boolean {
    return this.#isFinished || this.#problems.length > 0
  }

  get isFinished(): boolean {
    return this.#isFinished && this.#problems.length === 0
  }

  get outcome(): CaseOutcome {
    return {
      kills: this.#kills,
      hits: this.#hits,
      faultyRuns: this.#faultyRuns,
      faultyEnds: this.#faultyEnds,
      stops: this.#stops,
      spills: this.#spills,
      changeFiles: this.#changeFiles,
      savepoints: this.#savepoints,
      restores: this.#restores,
      rescales: this.#rescales,
      files: this.#finished.size,
      mostBytes: this.#mostBytes,
      missed: this.#missed,
      folder: this.#folder,
      problems: this.#problems,
    }
  }

  /** The blow comes too late: the job has finished. */
  miss(blow: Blow): void {
    if (blow.kind === 'failpoint') this.#missed ??= `${blow.name}:${blow.count}`
  }

  async run(blow: Blow): Promise<void> {
    if (blow.kind === 'gc') {
      await this.#collectGarbage(blow)
      return
    }
    this.#runs++
    const wasFinished = this.#isFinished
    const savepoint = join(this.#folder, `savepoint-${this.#runs}`)
    const end = await runChild(this.#args(blow), blow, this.#place(savepoint))
    const output = await readCommitted(join(this.#folder, 'out'))
    const state = await readStateFolder(join(this.#dir, this.#case.name))
    if (end.hasSpilled) this.#spills++
    if (end.hasWrittenChanges) this.#changeFiles++
    this.#mostBytes = Math.max(this.#mostBytes, state.bytes)
    const { notes = [] } = lineOf(end, 'started') ?? {}
    this.#rescales.push(...notes.filter((note) => note.startsWith('parallelism ')))
    const status = end.lines.find((line) => line.type === 'finished')?.status
    if (end.signal === 'SIGKILL' && !end.hangs) {
      this.#kills.push(this.#phaseOf(end, output, state))
      this.#hits.push(...this.#hitsOf(blow, end))
    }
    const isFaulty = blow.disk?.faults !== undefined
    if (isFaulty) this.#faultyRuns++
    this.#checkEnd(blow, end, status)
    this.#checkOutput(output, state)
    this.#checkState(state, blow)
    if (status === 'stopped') this.#checkStopped(output, state)
    this.#isFinished = end.code === 0 && status !== 'stopped'
    // What a failing disk has not let it remove is left, as is what it finds when it is run again.
    const isTidy = status === 'finished' && !isFaulty
    if (this.#isFinished) await this.#checkFinished(output, state, isTidy)
    if (wasFinished && status !== 'already-finished') this.#wrong(`a finished job told ${status}`)
    this.#highestId = highestIn(state)
    if (end.problem !== undefined) this.#wrong(end.problem)
    if (blow.savepoint !== undefined) await this.#afterSavepoint(blow.savepoint, savepoint)
  }

  #place(savepoint: string): RunPlace {
    const { name, loadsLate = false, writesChanges = false } = this.#case
    const folder = this.#folder
    return { folder, loadsLate, writesChanges, dir: this.#dir, job: name, savepoint }
  }

  /** Beside no run: what it leaves, and what it leaves when it is killed, must be as good as what it has found. */
  async #collectGarbage(blow: Blow): Promise<void> {
    const directory = join(this.#dir, this.#case.name)
    // No checkpoint of the job is there yet: a slow start was killed.
    if ((await readStateFolder(directory)).published.length === 0) return
    const args = ['checkpoints', 'gc', directory]
    const end = await runChild(args, blow, this.#place(''))
    if (end.signal === 'SIGKILL' && !end.hangs) {
      this.#kills.push('collecting garbage')
      this.#hits.push('gc')
    } else if (end.code !== 0) this.#wrong(`gc ended with ${end.code}: ${end.stderr.slice(-2_000)}`)
    if (end.hangs) this.#wrong('gc did not end')
    this.#checkState(await readStateFolder(directory), blow)
  }

  /** What a kill has hit, as far as it is known. */
  #hitsOf({ label, kind, savepoint, disk }: Blow, end: RunEnd): string[] {
    const hits: string[] = []
    const isOwn = kind === 'failpoint' || disk?.kill !== undefined
    if (label !== undefined && isOwn !== end.isKilled) hits.push(label)
    const started = lineOf(end, 'started')
    if (started === undefined) return hits
    const { notes = [], mode } = started
    if (mode !== 'fresh') {
      const isLate = this.#case.loadsLate === true && lineOf(end, 'running') !== undefined
      hits.push(isLate ? 'a run that loads state late' : 'a run that restored state')
    }
    if (notes.some((note) => note.startsWith('parallelism '))) hits.push('a rescaled run')
    if (savepoint !== undefined && lineOf(end, 'checkpoint') !== undefined && label === undefined)
      hits.push(savepoint.verb)
    return hits
  }

  /** From a complete one the next runs start, as with a supervisor, each time in a directory of their own. */
  async #afterSavepoint({ next }: Savepoint, path: string): Promise<void> {
    const found = await names(path)
    if (!found.includes(MANIFEST)) return
    this.#savepoints++
    if (next === 'resume') return
    const manifest = decodeManifest(await readFile(join(path, MANIFEST)), path)
    const { checkpointId } = manifest
    this.#restores++
    this.#isFinished = false
    this.#highestId = 0
    this.#finished = new Map()
    this.#start = { path, checkpointId, claim: next === 'claim' }
  }

  get #startArgs(): string[] {
    if (this.#start === undefined) return []
    const { path, claim } = this.#start
    return ['--from', path, '--output', 'replace', ...(claim ? ['--claim'] : [])]
  }

  get #dir(): string {
    return join(this.#folder, this.#restores === 0 ? 'state' : `state-${this.#restores}`)
  }

  #args(blow: Blow): string[] {
    const one = this.#case
    const params: Record<string, string | number> = {
      ...one.params,
      input: one.input,
      out: join(this.#folder, 'out'),
    }
    // Nothing happens to it: no need to wait.
    const isLeftAlone = blow.savepoint === undefined && blow.disk === undefined
    if (blow.kind === 'none' && isLeftAlone) params['rate'] = 0
    return [
      ...['run', one.job, '--no-progress'],
      ...['--dir', this.#dir, '--parallelism', String(this.#parallelism)],
      ...this.#startArgs,
      ...['--checkpoint-interval', `${one.checkpointIntervalMs}ms`],
      ...(one.memory === undefined ? [] : ['--memory', one.memory]),
      ...Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`]),
    ]
  }

  get #parallelism(): number {
    const { parallelism, goesOnAt = [] } = this.#case
    const ofRuns = [parallelism, ...goesOnAt]
    return ofRuns[Math.min(this.#runs, ofRuns.length) - 1]!
  }

  #phaseOf(end: RunEnd, output: CommittedOutput, state: StateFolder): Phase {
    const started = lineOf(end, 'started')
    if (lineOf(end, 'finished') !== undefined) return 'after the end'
    if (started === undefined) return 'before the start'
    if (lineOf(end, 'running') === undefined) {
      return started.mode === 'fresh' ? 'first deployment' : 'recovery'
    }
    const newest = state.published.at(-1)?.checkpointId ?? 0
    if (output.pending.some((id) => id <= newest)) return 'between publish and commit'
    if (state.unpublished.some((id) => id > Math.max(newest, this.#highestId)))
      return 'in a checkpoint'
    return 'running'
  }

  // --- Checks ---

  #checkEnd(blow: Blow, end: RunEnd, status: string | undefined): void {
    if (end.hangs) this.#wrong('a run did not end')
    const isFaulty = blow.disk?.faults !== undefined
    for (const line of end.lines) {
      if (!UNEXPECTED.has(line.type)) continue
      const code = line.code ?? line.error?.code ?? ''
      if (!isFaulty || !OF_FAULTS.has(code)) this.#wrong(`a run told ${JSON.stringify(line)}`)
    }
    if (end.signal === 'SIGKILL') return
    this.miss(blow)
    if (isFaulty && end.code === 1 && lineOf(end, 'error') !== undefined) {
      this.#faultyEnds++
      return
    }
    const isCommanded = blow.savepoint?.verb === 'stop' && end.code === 0
    const isAsked = (blow.kind === 'stop' && end.code === 130) || isCommanded
    const isStopped = isAsked && status === 'stopped'
    if (isStopped) this.#stops++
    else if (end.code !== 0 || status === undefined) {
      const code = end.signal ?? end.code
      this.#wrong(`a run ended with ${code}, status ${status}: ${end.stderr.slice(-2_000)}`)
    }
  }

  /** At any time: nothing doubled, nothing gone or changed that was there, nothing committed before it was published. */
  #checkOutput(output: CommittedOutput, state: StateFolder): void {
    for (const row of difference(output.rows, this.#case.expected)) this.#wrong(`too many: ${row}`)
    for (const name of output.foreign) this.#wrong(`in the output folder: ${name}`)
    const newest = state.published.at(-1)
    const ownId = newest?.checkpointId ?? 0
    const { checkpointId: startId = 0, claim = false } = this.#start ?? {}
    // What was put out after the savepoint may still have to be taken back.
    if (this.#start !== undefined && ownId <= (claim ? startId : 0)) return
    // Of each lineage that it goes back to, up to where it left it.
    const past = newest === undefined ? [] : [newest, ...newest.ancestry]
    const reached = new Map(past.map(({ lineage, checkpointId }) => [lineage, checkpointId]))
    for (const { name, lineage, checkpointId } of output.files) {
      const limit = reached.get(lineage) ?? 0
      if (checkpointId > limit)
        this.#wrong(`${name} is finished, checkpoint ${limit} is the newest`)
    }
    const now = new Map(output.files.map(({ name, text }) => [name, text]))
    for (const [name, text] of this.#finished) {
      if (now.get(name) !== text)
        this.#wrong(`${name} was finished and is ${now.has(name) ? 'changed' : 'gone'}`)
    }
    this.#finished = now
  }

  /** At any time: it does not grow with the number of kills. */
  #checkState(state: StateFolder, { disk }: Blow): void {
    const isFaulty = disk?.faults !== undefined
    const most = (what: string, count: number, limit: number): void => {
      if (count > limit) this.#wrong(`the state directory has ${count} ${what}, ${limit} at most`)
    }
    most('lineages', state.lineages.length, 1)
    // Where nothing can be removed, checkpoints soon end.
    const kept = isFaulty ? RETAINED_AFTER_FAULTS : RETAINED_AFTER_KILL
    most('published checkpoints', state.published.length, kept)
    most('folders without a manifest', state.unpublished.length, MOST_UNPUBLISHED)
    most('working folders', state.attempts, 1)
    for (const { subtasks } of state.published) {
      for (const { segments } of subtasks) {
        most('segments in a chain', segments.length, this.#longestChain)
      }
    }
    this.#longestChain = Math.max(MAX_CHAIN, longestJoined(state) + LONGER)
    for (const name of state.names) {
      if (!STATE_NAMES.has(name)) this.#wrong(`in the state directory: ${name}`)
    }
  }

  /** A stop commits what its last checkpoint holds (R14). */
  #checkStopped(output: CommittedOutput, state: StateFolder): void {
    for (const name of output.strangers) this.#wrong(`left in the output folder by a stop: ${name}`)
    if (state.attempts > 0) this.#wrong('a stop left a working folder')
    if (state.published.at(-1)?.kind !== 'stop') this.#wrong('a stop took no last checkpoint')
  }

  async #checkFinished(
    output: CommittedOutput,
    state: StateFolder,
    isTidy: boolean,
  ): Promise<void> {
    for (const row of difference(this.#case.expected, output.rows)) this.#wrong(`missing: ${row}`)
    for (const name of output.strangers) this.#wrong(`left in the output folder: ${name}`)
    if (state.attempts > 0) this.#wrong('a working folder is left')
    // A run that only commits what a killed one had published removes nothing else.
    if (isTidy) this.#checkTidy(state)
    if (state.published.at(-1)?.kind !== 'final') this.#wrong('the newest checkpoint is not final')
    const { memory, name, writesChanges } = this.#case
    if (memory !== undefined && this.#spills === 0) this.#wrong('no state was written to LevelDB')
    if (writesChanges === true && this.#changeFiles === 0)
      this.#wrong('no file of changes was seen')
    const lock = await names(join(this.#dir, name, 'lock'))
    if (lock.length > LOCK_FILES) this.#wrong(`the lock has ${lock.length} files`)
  }

  #checkTidy(state: StateFolder): void {
    for (const file of state.unnamed) this.#wrong(`left, and named by no checkpoint: ${file}`)
    if (state.published.length > RETAINED) {
      this.#wrong(`${state.published.length} checkpoints are left`)
    }
  }

  #wrong(problem: string): void {
    this.#problems.push(`run ${this.#runs}: ${problem}`)
  }
}

/** No attempt of a campaign may fail, nor any of its checkpoints. */
const UNEXPECTED: ReadonlySet<string> = new Set(['error', 'restarting', 'checkpoint-failed'])

/** What a run may tell whose disk fails, and end with. */
const OF_FAULTS: ReadonlySet<string> = new Set([
  'MR_CHECKPOINT_FAILED',
  'MR_CHECKPOINT_TIMEOUT',
  // It fails while a slow start makes its folders.
  'MR_DIRECTORY_UNUSABLE',
  'MR_REPEATED_FAILURE',
])

const STATE_NAMES: ReadonlySet<string> = new Set([
  'checkpoints',
  // Of a run that was killed.
  'control.json',
  'control.json.new',
  'holder',
  'job.json',
  'job.json.new',
  'lock',
  'work',
])

function lineOf(end: RunEnd, type: string): RunLine | undefined {
  return end.lines.find((line) => line.type === type)
}

/** The chains of all subtasks of a vertex together: they are one where the job goes on at parallelism 1. */
function longestJoined({ published }: StateFolder): number {
  const lengths = published.flatMap(({ subtasks }) => {
    const byVertex = new Map<string, number>()
    for (const { vertex, segments } of subtasks) {
      byVertex.set(vertex, (byVertex.get(vertex) ?? 0) + segments.length)
    }
    return [...byVertex.values()]
  })
  return Math.max(0, ...lengths)
}

function highestIn(state: StateFolder): number {
  return Math.max(state.published.at(-1)?.checkpointId ?? 0, state.unpublished.at(-1) ?? 0)
}

/** What multiset a has more than b. */
function difference(a: readonly string[], b: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const row of b) counts.set(row, (counts.get(row) ?? 0) + 1)
  return a.filter((row) => {
    const left = counts.get(row) ?? 0
    counts.set(row, left - 1)
    return left <= 0
  })
}
