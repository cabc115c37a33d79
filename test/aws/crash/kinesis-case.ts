import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Random } from '../../../runtime/clock.ts'
import { type Blow, type RunEnd, runChild } from '../../crash/child-run.ts'
import { readCommitted } from '../../crash/committed-output.ts'
import { type FaultPlan, FaultProxy, jsonFailure } from '../../servers/fault-proxy.ts'
import { TestStream } from '../kinesis-for-tests.ts'
import type { Counted } from './count-job.ts'

const countJob = fileURLToPath(new URL('count-job.ts', import.meta.url))
/** Between two things that are done to the stream. */
const STEP_MS = 50

export interface KinesisCaseOptions {
  readonly endpoint: string
  readonly random: Random
  readonly seed: number
  /** How long the stream is written, split and merged. */
  readonly writingMs: number
  readonly kills: number
}

export interface KinesisCaseOutcome {
  readonly kills: number
  readonly records: number
  readonly reshardings: number
  readonly faults: ReadonlyMap<string, number>
  /** What is wrong with the output; nothing, when all is well. */
  readonly problems: readonly string[]
  readonly folder: string
}

/** One job that reads a stream while that is written and resharded, through faults, killed and started again until it ends. */
export class KinesisCase {
  readonly #options: KinesisCaseOptions
  readonly #problems: string[] = []
  readonly #written: Map<string, number> = new Map()
  #reshardings = 0
  #kills = 0

  constructor(options: KinesisCaseOptions) {
    this.#options = options
  }

  async run(): Promise<KinesisCaseOutcome> {
    const { endpoint, seed, writingMs } = this.#options
    const folder = await mkdtemp(join(tmpdir(), 'millrace-kinesis-crash-'))
    const stream = await TestStream.create(1 + this.#int(2), endpoint)
    const proxy = await FaultProxy.start(endpoint, { seed, plan: faults })
    const end = Date.now() + writingMs + 500
    const [, ended] = await Promise.all([
      this.#write(stream, Date.now() + writingMs),
      this.#read(folder, { endpoint: proxy.endpoint, stream: stream.name, end: String(end) }),
    ])
    if (!ended && this.#problems.length === 0) this.#problems.push('it has not ended')
    if (this.#problems.length === 0) await this.#compare(join(folder, 'out'))
    await stream.delete()
    stream.close()
    await proxy.stop()
    if (this.#problems.length === 0) await rm(folder, { recursive: true, force: true })
    return {
      kills: this.#kills,
      records: [...this.#written.values()].reduce((a, b) => a + b, 0),
      reshardings: this.#reshardings,
      faults: proxy.faults,
      problems: this.#problems,
      folder,
    }
  }

  #int(below: number): number {
    return Math.floor(this.#options.random.next() * below)
  }

  async #write(stream: TestStream, until: number): Promise<void> {
    while (Date.now() < until) {
      const records = Array.from({ length: this.#int(40) }, () => {
        const key = `key-${this.#int(30)}`
        const n = this.#written.get(key) ?? 0
        this.#written.set(key, n + 1)
        return { key, data: JSON.stringify({ key, n }) }
      })
      if (records.length > 0) await stream.put(records)
      if (this.#int(4) === 0) await this.#reshard(stream)
      await sleep(STEP_MS)
    }
  }

  async #reshard(stream: TestStream): Promise<void> {
    const open = await stream.open()
    const isSplit = open.length === 1 || (open.length < 5 && this.#int(2) === 0)
    if (isSplit) await stream.split(this.#int(open.length))
    else await stream.merge(this.#int(open.length - 1))
    this.#reshardings++
  }

  async #read(folder: string, params: Readonly<Record<string, string>>): Promise<boolean> {
    for (let i = 0; ; i++) {
      const blow = i < this.#options.kills ? this.#drawKill() : ({ kind: 'none' } as const)
      const end = await this.#runOnce(folder, params, blow)
      if (end.hangs) this.#problems.push(`run ${i + 1} hangs: ${end.stderr.slice(-2_000)}`)
      if (end.signal === 'SIGKILL') this.#kills++
      else if (end.code !== 0) {
        this.#problems.push(`run ${i + 1} ended with ${end.code ?? end.signal}: ${errorsOf(end)}`)
      }
      if (end.code === 0) return true
      if (this.#problems.length > 0 || i >= this.#options.kills) return false
    }
  }

  #drawKill(): Blow {
    return this.#int(4) === 0
      ? { kind: 'kill', at: { after: 'running', nth: 1, delayMs: this.#int(800) } }
      : { kind: 'kill', at: { after: 'checkpoint', nth: 1 + this.#int(8), delayMs: this.#int(60) } }
  }

  #runOnce(folder: string, params: Readonly<Record<string, string>>, blow: Blow): Promise<RunEnd> {
    const dir = join(folder, 'state')
    const args = [
      'run',
      countJob,
      ...['--dir', dir, '--parallelism', String(1 + this.#int(3))],
      ...['--checkpoint-interval', '100ms'],
      ...Object.entries({ ...params, out: join(folder, 'out') }).flatMap(([name, value]) => [
        '--param',
        `${name}=${value}`,
      ]),
    ]
    const place = {
      folder,
      loadsLate: false,
      writesChanges: false,
      dir,
      job: 'kinesis-count',
      savepoint: '',
    }
    return runChild(args, blow, place)
  }

  async #compare(folder: string): Promise<void> {
    const { rows } = await readCommitted(folder)
    const read = new Map<string, Set<number>>()
    for (const row of rows) {
      const { key, n, count } = JSON.parse(row) as Counted
      if (n !== count) this.#problems.push(`${key}: the record ${n} came as number ${count}`)
      const those = read.get(key) ?? new Set()
      if (those.has(n)) this.#problems.push(`${key}: the record ${n} came twice`)
      those.add(n)
      read.set(key, those)
      if (this.#problems.length > 20) return
    }
    for (const [key, count] of this.#written) {
      const found = read.get(key)?.size ?? 0
      if (found !== count) this.#problems.push(`${key}: ${found} records instead of ${count}`)
    }
  }
}

/** Of five requests one goes wrong. */
const faults: FaultPlan = ({ operation, random }) => {
  if (operation === 'GetRecords') {
    if (random < 0.1) return { answer: jsonFailure('ProvisionedThroughputExceededException') }
    if (random < 0.12) return { answer: jsonFailure('ExpiredIteratorException') }
  }
  if (random < 0.14) return { answer: jsonFailure('InternalFailure', 500) }
  if (random < 0.16) return { loses: 'answer' }
  if (random < 0.18) return { loses: 'request' }
  if (random < 0.22) return { delayMs: random * 500 }
  return undefined
}

function errorsOf(end: RunEnd): string {
  const told = end.lines.filter(({ error, code }) => error !== undefined || code !== undefined)
  return `${JSON.stringify(told).slice(-1_500)} ${end.stderr.slice(-1_500)}`
}
