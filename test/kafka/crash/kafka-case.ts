import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Producer } from 'kafkajs'
import type { Random } from '../../../runtime/clock.ts'
import { FAILPOINTS } from '../../../runtime/failpoint.ts'
import { type Blow, type RunEnd, runChild } from '../../crash/child-run.ts'
import { TestKafka } from '../../servers/kafka-for-tests.ts'
import type { KafkaServer } from '../../servers/kafka-server.ts'
import { readCommitted } from '../../servers/read-committed.ts'
import type { Counted } from './count-job.ts'

const countJob = fileURLToPath(new URL('count-job.ts', import.meta.url))
const PARTITIONS = 2

/** What is to happen in one case. */
export interface KafkaCasePlan {
  readonly records: number
  readonly keys: number
  readonly checkpointIntervalMs: number
  /** Of each run; the last one stays. */
  readonly parallelism: readonly number[]
  readonly blows: readonly KafkaBlow[]
}

/** What is done to one run. */
export interface KafkaBlow {
  /** To the job. */
  readonly job: Blow
  /** SIGKILL of the broker so long after the start of the run, and how long it stays away. */
  readonly broker: { readonly afterMs: number; readonly awayMs: number } | undefined
}

export interface KafkaCaseOutcome {
  readonly kills: number
  readonly brokerKills: number
  /** What is wrong with the output; nothing, when all is well. */
  readonly problems: readonly string[]
  readonly folder: string
}

const NONE: KafkaBlow = { job: { kind: 'none' }, broker: undefined }

/** Draws a case: `kills` of the job and `brokerKills` of the broker, some of them at once. */
export function drawCase(random: Random, kills: number, brokerKills: number): KafkaCasePlan {
  const int = (from: number, to: number) => from + Math.floor(random.next() * (to - from + 1))
  const blows: KafkaBlow[] = []
  let [jobLeft, brokerLeft] = [kills, brokerKills]
  while (jobLeft + brokerLeft > 0) {
    const isBroker = brokerLeft > 0 && random.next() < brokerLeft / (jobLeft + brokerLeft)
    const isJob = jobLeft > 0 && (!isBroker || random.next() < 0.5)
    blows.push({
      job: isJob ? drawKill(random, int) : { kind: 'none' },
      broker: isBroker ? { afterMs: int(0, 4_000), awayMs: int(0, 1_500) } : undefined,
    })
    if (isJob) jobLeft--
    if (isBroker) brokerLeft--
  }
  const rescales = random.next() < 0.4
  return {
    records: int(5_000, 16_000),
    keys: int(5, 200),
    checkpointIntervalMs: [50, 100, 300][int(0, 2)]!,
    parallelism: rescales ? blows.map(() => int(1, 3)) : [2],
    blows,
  }
}

function drawKill(random: Random, int: (from: number, to: number) => number): Blow {
  const kind = random.next()
  if (kind < 0.35)
    return { kind: 'kill', at: { after: 'spawned', nth: 1, delayMs: int(300, 4_000) } }
  // The transaction is written just after the checkpoint was published.
  if (kind < 0.75) {
    return { kind: 'kill', at: { after: 'checkpoint', nth: int(1, 8), delayMs: int(0, 60) } }
  }
  const name = FAILPOINTS[int(0, FAILPOINTS.length - 1)]!
  // A run passes those of its start once.
  const isOfStart = /prepare-output|restore/.test(name)
  return { kind: 'failpoint', name, count: isOfStart ? 1 : int(1, 6) }
}

/** One job from topic to topic, killed and started again until it ends; then the comparison of what is in the output topic. */
export class KafkaCase {
  readonly #server: KafkaServer
  readonly #kafka: TestKafka
  readonly #plan: KafkaCasePlan
  readonly #problems: string[] = []
  #kills = 0
  #brokerKills = 0

  constructor(server: KafkaServer, plan: KafkaCasePlan) {
    this.#server = server
    this.#kafka = new TestKafka(server.brokers)
    this.#plan = plan
  }

  async run(): Promise<KafkaCaseOutcome> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-kafka-crash-'))
    const { records, keys, blows } = this.#plan
    const input = await this.#kafka.createTopic(PARTITIONS)
    const output = await this.#kafka.createTopic(PARTITIONS)
    await this.#produce(input, records, keys)
    let hasEnded = false
    for (const [i, blow] of [...blows, NONE].entries()) {
      const end = await this.#runOnce(folder, input, output, i, blow)
      if (end.hangs) this.#problems.push(`run ${i + 1} hangs: ${end.stderr.slice(-2_000)}`)
      hasEnded = end.code === 0
      const isKilled = end.signal === 'SIGKILL'
      if (!hasEnded && !isKilled) {
        this.#problems.push(`run ${i + 1} ended with ${end.code ?? end.signal}: ${errorsOf(end)}`)
      }
      if (isKilled) this.#kills++
      if (hasEnded || this.#problems.length > 0) break
    }
    if (this.#problems.length === 0) await this.#compare(output, records, keys)
    await this.#kafka.close()
    if (this.#problems.length === 0) await rm(folder, { recursive: true, force: true })
    const { kills, brokerKills, problems } = {
      kills: this.#kills,
      brokerKills: this.#brokerKills,
      problems: this.#problems,
    }
    return { kills, brokerKills, problems, folder }
  }

  async #produce(topic: string, records: number, keys: number): Promise<void> {
    const producer: Producer = this.#kafka.client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    for (let from = 0; from < records; from += 1_000) {
      const ids = Array.from({ length: Math.min(1_000, records - from) }, (_, i) => from + i)
      await producer.send({
        topic,
        messages: ids.map((id) => ({
          key: keyOf(id, keys),
          value: JSON.stringify({ id }),
          partition: partitionOf(id, keys),
        })),
      })
    }
    await producer.disconnect()
  }

  async #runOnce(
    folder: string,
    input: string,
    output: string,
    i: number,
    { job, broker }: KafkaBlow,
  ): Promise<RunEnd> {
    const { parallelism, checkpointIntervalMs } = this.#plan
    const dir = join(folder, 'state')
    const params = { brokers: this.#server.brokers, input, output }
    const args = [
      'run',
      countJob,
      ...['--dir', dir, '--parallelism', String(parallelism[i] ?? parallelism.at(-1)!)],
      ...['--checkpoint-interval', `${checkpointIntervalMs}ms`],
      ...Object.entries(params).flatMap(([name, value]) => ['--param', `${name}=${value}`]),
    ]
    const place = {
      folder,
      loadsLate: false,
      writesChanges: false,
      dir,
      job: 'kafka-count',
      savepoint: '',
    }
    const [end] = await Promise.all([runChild(args, job, place), this.#killBroker(broker)])
    return end
  }

  async #killBroker(broker: KafkaBlow['broker']): Promise<void> {
    if (broker === undefined) return
    await sleep(broker.afterMs)
    await this.#server.kill('SIGKILL')
    await sleep(broker.awayMs)
    await this.#server.restart()
    this.#brokerKills++
  }

  async #compare(topic: string, records: number, keys: number): Promise<void> {
    const found = await readCommitted({ brokers: this.#server.brokers, topic })
    const byKey = new Map<string, Counted[]>()
    for (const { key, value } of found) {
      const record = JSON.parse(value!.toString()) as Counted
      if (record.key !== key!.toString()) this.#problems.push(`key ${key} has ${value}`)
      const those = byKey.get(record.key) ?? []
      those.push(record)
      byKey.set(record.key, those)
    }
    const wanted = new Map<string, number[]>()
    for (let id = 0; id < records; id++) {
      const key = keyOf(id, keys)
      wanted.set(key, [...(wanted.get(key) ?? []), id])
    }
    if (found.length !== records)
      this.#problems.push(`${found.length} records instead of ${records}`)
    for (const [key, ids] of wanted) {
      const those = byKey.get(key) ?? []
      const isRight =
        those.length === ids.length &&
        those.every(({ id, count }, i) => id === ids[i] && count === i + 1)
      if (isRight) continue
      const shown = those.map(({ id, count }) => `${count}:${id}`).join(' ')
      this.#problems.push(`key ${key}: ${shown.slice(0, 500)} instead of ${ids.length} records`)
      if (this.#problems.length > 20) return
    }
  }
}

function keyOf(id: number, keys: number): string {
  return `key-${(id * 7_919) % keys}`
}

function partitionOf(id: number, keys: number): number {
  return ((id * 7_919) % keys) % PARTITIONS
}

function errorsOf(end: RunEnd): string {
  const told = end.lines.filter(({ error, code }) => error !== undefined || code !== undefined)
  return `${JSON.stringify(told).slice(-1_500)} ${end.stderr.slice(-1_500)}`
}
