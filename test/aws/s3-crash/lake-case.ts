import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import avsc from 'avsc'
import { parseOutputName } from '../../../connectors/part-name.ts'
import type { Random } from '../../../runtime/clock.ts'
import { FAILPOINTS } from '../../../runtime/failpoint.ts'
import type { ObjectStore } from '../../../runtime/object-store.ts'
import { type Blow, type RunEnd, runChild } from '../../crash/child-run.ts'
import { readStateFolder } from '../../crash/state-folder.ts'
import { askDuckDb } from '../../harness/duckdb.ts'
import { download } from '../download.ts'
import type { TestTable } from '../glue-for-tests.ts'
import type { Visit } from './lake-job.ts'

const lakeJob = fileURLToPath(new URL('lake-job.ts', import.meta.url))
const FILES = 2
const BEGIN = Date.UTC(2026, 10, 22, 23, 58)

/** What is to happen in one case. */
export interface LakeCasePlan {
  readonly records: number
  readonly keys: number
  readonly padding: number
  readonly rollSize: number
  readonly compression: 'none' | 'gzip' | 'zstd'
  readonly spans: boolean
  readonly slowMs: number
  readonly checkpointIntervalMs: number
  /** Of each run; the last one stays. */
  readonly parallelism: readonly number[]
  readonly blows: readonly Blow[]
}

/** Where a case writes: `endpoint` is where the job finds it, with faults. */
export interface LakePlace {
  readonly endpoint: string
  readonly bucket: string
  readonly store: ObjectStore
  /** Whether it lists uploads by what their keys begin with; one that does not keeps those whose beginning got no answer. */
  readonly listsUploads: boolean
  readonly glueEndpoint: string
  /** Over the JSON, with the partitions of the job. */
  readonly table: TestTable
}

export interface LakeCaseOutcome {
  readonly kills: number
  readonly objects: number
  /** What is wrong with the output; nothing, when all is well. */
  readonly problems: readonly string[]
  readonly folder: string
}

/** Draws a case with so many kills of the job. */
export function drawLakeCase(random: Random, kills: number): LakeCasePlan {
  const int = (from: number, to: number) => from + Math.floor(random.next() * (to - from + 1))
  const pick = <V>(values: readonly V[]) => values[int(0, values.length - 1)]!
  // Small objects are held in checkpoints, others are uploads of one part, and of several.
  const [padding, records, slowMs] = pick([
    [0, int(3_000, 10_000), 1],
    [1_000, int(3_000, 8_000), 1],
    [30_000, int(600, 900), 5],
  ] as const)
  return {
    records,
    keys: int(3, 200),
    padding,
    rollSize: padding === 30_000 ? pick([7_000_000, 1_000_000]) : pick([20_000, 10_000_000]),
    compression: padding === 30_000 ? 'none' : pick(['none', 'gzip', 'zstd']),
    spans: random.next() < 0.6,
    slowMs,
    checkpointIntervalMs: pick([50, 200, 600]),
    parallelism: random.next() < 0.3 ? Array.from({ length: kills + 1 }, () => int(1, 3)) : [2],
    blows: Array.from({ length: kills }, () => drawKill(random, int)),
  }
}

function drawKill(random: Random, int: (from: number, to: number) => number): Blow {
  const kind = random.next()
  if (kind < 0.35) return { kind: 'kill', at: { after: 'running', nth: 1, delayMs: int(0, 2_500) } }
  // Objects become visible just after the checkpoint was published.
  if (kind < 0.7) {
    return { kind: 'kill', at: { after: 'checkpoint', nth: int(1, 6), delayMs: int(0, 60) } }
  }
  const name = FAILPOINTS[int(0, FAILPOINTS.length - 1)]!
  // A run passes those of its start once.
  const isOfStart = /prepare-output|restore/.test(name)
  return { kind: 'failpoint', name, count: isOfStart ? 1 : int(1, 6) }
}

/** One job into a bucket, killed and started again until it ends; looks at what is visible after each kill, and compares at the end. */
export class LakeCase {
  readonly #plan: LakeCasePlan
  readonly #place: LakePlace
  readonly #problems: string[] = []
  #folder = ''
  #kills = 0

  constructor(plan: LakeCasePlan, place: LakePlace) {
    this.#plan = plan
    this.#place = place
  }

  async run(): Promise<LakeCaseOutcome> {
    this.#folder = await mkdtemp(join(tmpdir(), 'millrace-s3-crash-'))
    await this.#writeInput()
    for (const [i, blow] of [...this.#plan.blows, { kind: 'none' } as const].entries()) {
      const end = await this.#runOnce(i, blow)
      if (end.hangs) this.#problems.push(`run ${i + 1} hangs: ${end.stderr.slice(-2_000)}`)
      const hasEnded = end.code === 0
      if (end.signal === 'SIGKILL') this.#kills++
      else if (!hasEnded) {
        this.#problems.push(`run ${i + 1} ended with ${end.code ?? end.signal}: ${errorsOf(end)}`)
      }
      if (!hasEnded && this.#problems.length === 0) await this.#lookAtVisible(i)
      if (hasEnded || this.#problems.length > 0) break
    }
    if (this.#problems.length === 0) await this.#compare()
    const objects = (await this.#keys()).length
    if (this.#problems.length === 0) await rm(this.#folder, { recursive: true, force: true })
    return { kills: this.#kills, objects, problems: this.#problems, folder: this.#folder }
  }

  async #writeInput(): Promise<void> {
    const { records, keys } = this.#plan
    const visits: readonly Visit[] = Array.from({ length: records }, (_, id) => ({
      id,
      key: `key ${(id * 7_919) % keys}`,
      at: BEGIN + id * 500,
    }))
    await mkdir(join(this.#folder, 'in'))
    for (let file = 0; file < FILES; file++) {
      const own = visits.filter(({ id }) => id % FILES === file)
      const text = own.map((visit) => `${JSON.stringify(visit)}\n`).join('')
      await writeFile(join(this.#folder, 'in', `${file}.jsonl`), text)
    }
  }

  #runOnce(i: number, blow: Blow): Promise<RunEnd> {
    const folder = this.#folder
    const { parallelism, checkpointIntervalMs, compression, padding, rollSize, spans, slowMs } =
      this.#plan
    const { endpoint, glueEndpoint, bucket, table: place } = this.#place
    const { database, table } = place
    const dir = join(folder, 'state')
    const input = join(folder, 'in')
    const target = { endpoint, glueEndpoint, input, bucket, database, table }
    const params = { ...target, compression, padding, rollSize, spans, slowMs }
    const args = [
      'run',
      lakeJob,
      ...['--dir', dir, '--parallelism', String(parallelism[i] ?? parallelism.at(-1)!)],
      ...['--checkpoint-interval', `${checkpointIntervalMs}ms`],
      ...Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`]),
    ]
    const child = { loadsLate: false, writesChanges: false, savepoint: '', job: 's3-lake' }
    return runChild(args, blow, { ...child, folder, dir })
  }

  async #keys(): Promise<readonly string[]> {
    const keys: string[] = []
    for await (const { key } of this.#place.store.list('')) keys.push(key)
    return keys
  }

  /** What a killed run has left visible belongs to a checkpoint that was published. */
  async #lookAtVisible(i: number): Promise<void> {
    const { published } = await readStateFolder(join(this.#folder, 'state', 's3-lake'))
    const newest = published.at(-1)?.checkpointId ?? 0
    for (const key of await this.#keys()) {
      const found = parseOutputName(key.slice(key.lastIndexOf('/') + 1))
      if (found.state === 'finished' && found.part.checkpointId <= newest) continue
      this.#problems.push(
        `after run ${i + 1}: ${key} is visible, checkpoint ${newest} is the newest`,
      )
    }
  }

  async #compare(): Promise<void> {
    const { store, listsUploads } = this.#place
    const uploads = await store.listUploads('')
    if (uploads.length > 0 && listsUploads) {
      this.#problems.push(`left open: ${uploads.map(({ key }) => key).join(' ')}`)
    }
    await this.#comparePartitions()
    const lake = join(this.#folder, 'lake')
    await download(store, '', lake)
    for (const key of (await this.#keys()).filter((one) => one.endsWith('.avro'))) {
      const tell = (error: unknown) => this.#problems.push(`${key}: ${String(error)}`)
      await toJson(join(lake, key)).catch(tell)
    }
    for (const kind of ['json', 'avro', 'parquet']) {
      // A file that is not whole.
      const tell = (error: unknown) => this.#problems.push(`${kind}: ${String(error)}`)
      await this.#compareRows(lake, kind).catch(tell)
    }
  }

  /** Whoever reads the table finds all objects. */
  async #comparePartitions(): Promise<void> {
    const { bucket, table } = this.#place
    const places = new Set((await table.partitions()).map(({ location }) => location))
    for (const key of await this.#keys()) {
      if (!key.startsWith('json/') || places.has(`s3://${bucket}/${dirname(key)}/`)) continue
      this.#problems.push(`${key} is in no partition of the table`)
    }
  }

  async #compareRows(lake: string, kind: string): Promise<void> {
    const { padding } = this.#plan
    const isParquet = kind === 'parquet'
    const files = `'${lake}/${kind}/*/*/*/part-*', hive_partitioning = true, hive_types_autocast = false`
    const tables = `
      with given as (
        select id, key, "at" as ms, strftime(epoch_ms("at"), '%Y-%m-%d %H') as hour from read_json('${this.#folder}/in/*.jsonl')
      ), found as (
        select id::bigint as id, key, ${isParquet ? 'epoch_ms("at")' : '"at"::bigint'} as ms, count::int as n,
          length(text) as padding, dt || ' ' || hour as hour, start
        from read_${isParquet ? 'parquet' : 'json'}(${files})
      )`
    const wrongRows = await askDuckDb(`${tables}
      select coalesce(g.id, f.id)::int as id, count(f.id)::int as times, any_value(f.hour) as hour
      from given g full join found f on g.id = f.id
      group by coalesce(g.id, f.id)
      having times <> 1 or any_value(g.ms) <> any_value(f.ms) or any_value(g.key) <> any_value(f.key)
        or any_value(g.hour) <> any_value(f.hour) or any_value(f.padding) <> ${padding}
        or any_value(f.start) <> any_value(f.key)[1:5]
      order by 1 limit 20`)
    const wrongKeys = await askDuckDb(`${tables}
      select key, count(*)::int as records, count(distinct n)::int as counts, max(n)::int as highest
      from found group by key having records <> counts or records <> highest limit 20`)
    for (const row of [...wrongRows, ...wrongKeys]) {
      this.#problems.push(`${kind}: ${JSON.stringify(row)}`)
    }
  }
}

/** Replaces a file of Avro by lines of JSON, which DuckDB reads without an extension. */
async function toJson(path: string): Promise<void> {
  const lines: string[] = []
  for await (const record of avsc.createFileDecoder(path)) lines.push(`${JSON.stringify(record)}\n`)
  await writeFile(`${path}.jsonl`, lines.join(''))
  await rm(path)
}

function errorsOf(end: RunEnd): string {
  const told = end.lines.filter(({ error, code }) => error !== undefined || code !== undefined)
  return `${JSON.stringify(told).slice(-1_500)} ${end.stderr.slice(-1_500)}`
}
