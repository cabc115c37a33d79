import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkpointFolder, MANIFEST } from '../../../runtime/checkpoint/file-names.ts'
import { decodeManifest } from '../../../runtime/checkpoint/manifest-codec.ts'
import { type ObjectPlace, placeIn } from '../../../runtime/checkpoint/object-files.ts'
import type { Random } from '../../../runtime/clock.ts'
import { FAILPOINTS } from '../../../runtime/failpoint.ts'
import { namesIn } from '../../../runtime/inspect/held-files.ts'
import { objectGarbage } from '../../../runtime/inspect/object-garbage.ts'
import { readJobHead } from '../../../runtime/job/head-session.ts'
import { type JobHead, publishedIn } from '../../../runtime/job/job-head.ts'
import type { ObjectStore } from '../../../runtime/object-store.ts'
import { type Blow, type Moment, type RunEnd, runChild } from '../../crash/child-run.ts'
import { type CommittedOutput, readCommitted } from '../../crash/committed-output.ts'
import type { CrashInputs } from '../../crash/inputs.ts'
import { environment } from '../environment.ts'

const LEDGER = fileURLToPath(new URL('../../crash/jobs/ledger.ts', import.meta.url))

/** What is to happen in one case. */
export interface StateCasePlan {
  readonly checkpointIntervalMs: number
  /** Of each run; the last one stays. */
  readonly parallelism: readonly number[]
  /** Bytes of a note in state: of segments that are one request, or several parts. */
  readonly note: number
  readonly rate: number
  readonly blows: readonly Blow[]
}

/** Where a case has its state: `endpoint` is where the job finds it, with faults; `store` is without. */
export interface StatePlace {
  readonly endpoint: string
  readonly bucket: string
  readonly store: ObjectStore
  readonly inputs: CrashInputs
}

export interface StateCaseOutcome {
  readonly kills: number
  /** Lives that began from a savepoint in S3. */
  readonly restores: number
  readonly checkpoints: number
  /** Bytes of the largest object that was seen. */
  readonly largest: number
  readonly problems: readonly string[]
  readonly folder: string
}

/** Draws a case with so many kills of the job. */
export function drawStateCase(random: Random, kills: number, rows: number): StateCasePlan {
  const int = (from: number, to: number) => from + Math.floor(random.next() * (to - from + 1))
  const pick = <V>(values: readonly V[]) => values[int(0, values.length - 1)]!
  return {
    checkpointIntervalMs: pick([50, 200, 600]),
    parallelism: random.next() < 0.3 ? Array.from({ length: kills + 1 }, () => int(1, 3)) : [2],
    note: pick([20, 500, 4_000, 12_000]),
    rate: Math.ceil(rows / int(6, 20)),
    blows: Array.from({ length: kills }, () => drawBlow(random, int)),
  }
}

function drawBlow(random: Random, int: (from: number, to: number) => number): Blow {
  const kind = random.next()
  const at = (after: Moment['after'], nth: number, most: number): Moment => {
    return { after, nth, delayMs: int(0, most) }
  }
  if (kind < 0.15) return { kind: 'kill', at: at('spawned', 1, 2_500) }
  if (kind < 0.3) return { kind: 'kill', at: at('running', 1, 2_500) }
  if (kind < 0.6) return { kind: 'kill', at: at('checkpoint', int(1, 5), 200) }
  if (kind < 0.75) {
    const savepoint = {
      verb: 'savepoint',
      at: at('checkpoint', 1, 200),
      next: random.next() < 0.6 ? 'claim' : 'from',
    } as const
    // While it is copied, or when it is complete.
    const moment = random.next() < 0.4 ? at('commanded', 1, 3_000) : at('savepoint', 1, 500)
    return { kind: 'kill', at: moment, savepoint }
  }
  const name = FAILPOINTS[int(0, FAILPOINTS.length - 1)]!
  // A run passes those of its start once.
  const isOfStart = /prepare-output|restore/.test(name)
  return { kind: 'failpoint', name, count: isOfStart ? 1 : int(1, 4) }
}

/**
 * One job whose state is in S3, killed and started again on a machine that has nothing of it, until it ends; at each step compares what it
 * has put out with what counts in S3, and at the end with the input.
 */
export class StateCase {
  readonly #plan: StateCasePlan
  readonly #place: StatePlace
  readonly #problems: string[] = []
  #folder = ''
  #kills = 0
  #runs = 0
  #checkpoints = 0
  #largest = 0
  #restores = 0
  /** What the present life has begun from. */
  #start: { readonly path: string; readonly next: 'from' | 'claim' } | undefined

  constructor(plan: StateCasePlan, place: StatePlace) {
    this.#plan = plan
    this.#place = place
  }

  async run(): Promise<StateCaseOutcome> {
    this.#folder = await mkdtemp(join(tmpdir(), 'millrace-s3-state-'))
    for (const blow of [...this.#plan.blows, { kind: 'none' } as const]) {
      const isOver = await this.#runOnce(blow)
      if (isOver || this.#problems.length > 0) break
    }
    if (this.#problems.length === 0) await rm(this.#folder, { recursive: true, force: true })
    return {
      kills: this.#kills,
      restores: this.#restores,
      checkpoints: this.#checkpoints,
      largest: this.#largest,
      problems: this.#problems,
      folder: this.#folder,
    }
  }

  /** Whether the job has ended. */
  async #runOnce(blow: Blow): Promise<boolean> {
    const run = ++this.#runs
    const savepoint = `s3://${this.#place.bucket}/savepoint-${run}`
    const end = await runChild(this.#args(run, blow), blow, {
      folder: this.#folder,
      // Another machine.
      work: join(this.#folder, `work-${run}`),
      dir: this.#dir,
      job: 'ledger',
      savepoint,
      loadsLate: false,
      writesChanges: false,
      env: environment(this.#place.endpoint),
    })
    this.#checkpoints += end.lines.filter(({ type }) => type === 'checkpoint').length
    if (end.hangs) this.#wrong('hangs', end)
    if (end.problem !== undefined) this.#wrong(end.problem, end)
    const isKilled = end.signal === 'SIGKILL'
    if (isKilled) this.#kills++
    else if (end.code !== 0) this.#wrong(`ended with ${end.code ?? end.signal}`, end)
    if (this.#problems.length > 0) return true
    const output = await readCommitted(join(this.#folder, 'out'))
    const head = await readJobHead(placeIn(this.#job, 'job.json'))
    this.#checkOutput(output, head)
    const uploads = await this.#place.store.listUploads('')
    await this.#checkObjects(head, isKilled)
    if (!isKilled) {
      const missing = difference(this.#place.inputs.ledger, output.rows)
      if (missing.length > 0) this.#wrong(`${missing.length} rows are missing: ${missing[0]}`)
      for (const { key } of uploads) {
        if (key.startsWith(`${this.#job.prefix}/`)) this.#wrong(`an upload is open: ${key}`)
      }
    }
    const next = blow.savepoint?.next
    const beginsAnew = next !== undefined && (await this.#afterSavepoint(next, savepoint))
    return !isKilled && !beginsAnew
  }

  #args(run: number, blow: Blow): string[] {
    const { parallelism, checkpointIntervalMs, note, rate } = this.#plan
    const params = {
      input: this.#place.inputs.eight,
      out: join(this.#folder, 'out'),
      note,
      rate: blow.kind === 'none' ? 0 : rate,
    }
    const start = this.#start
    const from = start === undefined ? [] : ['--from', start.path, '--output', 'replace']
    return [
      ...['run', LEDGER, '--no-progress', '--dir', this.#dir],
      ...['--work', join(this.#folder, `work-${run}`)],
      ...['--parallelism', String(parallelism[run - 1] ?? parallelism.at(-1)!)],
      ...['--checkpoint-interval', `${checkpointIntervalMs}ms`],
      ...[...from, ...(start?.next === 'claim' ? ['--claim'] : [])],
      ...Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`]),
    ]
  }

  get #dir(): string {
    return `s3://${this.#place.bucket}/life-${this.#restores}`
  }

  get #job(): ObjectPlace {
    const { store } = this.#place
    return { store, prefix: `life-${this.#restores}/ledger`, url: `${this.#dir}/ledger` }
  }

  /** Nothing twice, and nothing that no checkpoint has which counts. */
  #checkOutput(output: CommittedOutput, head: JobHead | undefined): void {
    const extra = difference(output.rows, this.#place.inputs.ledger)
    if (extra.length > 0) this.#wrong(`${extra.length} rows are too many: ${extra[0]}`)
    const { record } = head ?? {}
    const current = record?.lineages.find(({ lineage }) => lineage === record.current)
    const newest = head && record && publishedIn(head, record.current).at(-1)
    // What was put out after the savepoint may still have to be taken back.
    if (this.#start !== undefined && newest === undefined) return
    for (const { name, lineage, checkpointId } of output.files) {
      const point = current?.ancestry.find((one) => one.lineage === lineage)
      const limit = lineage === record?.current ? newest : point?.checkpointId
      if (checkpointId > (limit ?? 0)) {
        const isBefore = this.#start !== undefined && lineage !== record?.current
        if (!isBefore) this.#wrong(`${name} is finished, checkpoint ${limit} is the newest`)
      }
    }
  }

  /** All that counts is there; after the end, nothing else is. */
  async #checkObjects(head: JobHead | undefined, isKilled: boolean): Promise<void> {
    const { store } = this.#place
    for (const [lineage, published] of head?.published ?? []) {
      const place = placeIn(this.#job, `checkpoints/${lineage}`)
      const sizes = new Map<string, number>()
      for await (const { key, bytes } of store.list(`${place.prefix}/`)) {
        sizes.set(key.slice(place.prefix.length + 1), bytes)
      }
      this.#largest = Math.max(this.#largest, ...sizes.values())
      const named = new Set<string>()
      for (const id of published) {
        const name = `${checkpointFolder(id)}/${MANIFEST}`
        const found = await store.get(`${place.prefix}/${name}`)
        if (found === undefined) {
          this.#wrong(`checkpoint ${id} counts, and its manifest is missing`)
          continue
        }
        const manifest = decodeManifest(found.body, name)
        for (const file of namesIn(manifest)) named.add(file)
        for (const { file, bytes } of manifest.subtasks.flatMap(({ segments }) => segments)) {
          if (sizes.get(file) !== bytes) this.#wrong(`${file} has ${sizes.get(file)} bytes`)
        }
      }
      if (isKilled) continue
      const left = objectGarbage([...sizes.keys()], { published, named }, true)
      const segments = left.filter((name) => name.endsWith('.seg'))
      if (segments.length > 0) this.#wrong(`left over: ${segments.join(' ')}`)
    }
  }

  /** From a complete one the next runs start, each time with a place of their own. */
  async #afterSavepoint(next: 'resume' | 'from' | 'claim', path: string): Promise<boolean> {
    const key = path.slice(`s3://${this.#place.bucket}/`.length)
    if (next === 'resume' || (await this.#place.store.head(`${key}/${MANIFEST}`)) === undefined) {
      return false
    }
    this.#restores++
    this.#start = { path, next }
    return true
  }

  #wrong(problem: string, end?: RunEnd): void {
    const told = end?.lines.filter(({ error, code }) => error !== undefined || code !== undefined)
    const more = end && ` ${JSON.stringify(told).slice(-1_500)} ${end.stderr.slice(-1_500)}`
    this.#problems.push(`run ${this.#runs}: ${problem}${more ?? ''}`)
  }
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
