import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { memoryFor } from '../nexmark/contender.ts'
import { isPeerThere, peerFolder } from '../nexmark/peer.ts'
import { durationMs, isPeerWanted, listOf, whole } from '../option-values.ts'
import { showSpread, spreadOf } from '../spread.ts'
import { type Latencies, type LatencySetting, runEngine, runPeer } from './contenders.ts'

export const latencyHelp = `latency [--rate 50000] [--seconds 30] [--warmup-seconds 10] [--parallelism 2] [--state memory,leveldb]
        [--buffer-timeout 10,1] [--checkpoint-interval 1s] [--iterations 1] [--events 1000000] [--memory SIZE]
        [--peer flink] [--peer-dir DIR] [--json FILE]
  Nexmark events at a fixed rate in open loop, bids counted for each auction: latency of each bid from when it was due, whatever
  happened by then, to when its row is in the sink; p50, p99, p99.9 (exact to 1.6 %) and the highest. Each run is a process of its
  own, the peer's on Apache Flink in turn with the engine's; what was due in the first seconds does not count.
  --state S             where state lies: the peer has the heap for memory, and RocksDB for leveldb
  --buffer-timeout MS   how long a record may wait in a batch, of the engine and the peer
  --iterations N        runs of each; more than one give medians, with least and most`

interface Plan {
  readonly settings: readonly LatencySetting[]
  readonly iterations: number
  readonly hasPeer: boolean
  readonly peerFolder: string
  readonly json: string | undefined
}

export async function latencyBench(args: string[]): Promise<void> {
  const plan = parsePlan(args)
  const folder = plan.peerFolder
  const isThere = isPeerThere(folder)
  if (plan.hasPeer && !isThere) {
    console.log(`There is no peer in ${folder}; --peer-dir says where it is. Going on without.`)
  }
  const runs: Latencies[] = []
  for (let iteration = 1; iteration <= plan.iterations; iteration++) {
    for (const setting of plan.settings) {
      const take = async (run: Promise<Latencies>): Promise<void> => {
        const told = await run
        runs.push(told)
        console.log(JSON.stringify({ ...told, iteration }))
        if (plan.json !== undefined) writeFileSync(plan.json, `${JSON.stringify(runs, null, 1)}\n`)
      }
      await take(runEngine(setting))
      if (plan.hasPeer && isThere) await take(runPeer(folder, setting))
    }
  }
  console.table(tableOf(runs))
}

function parsePlan(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      rate: { type: 'string', default: '50000' },
      seconds: { type: 'string', default: '30' },
      'warmup-seconds': { type: 'string', default: '10' },
      events: { type: 'string', default: '1000000' },
      parallelism: { type: 'string', default: '2' },
      state: { type: 'string', default: 'memory,leveldb' },
      'buffer-timeout': { type: 'string', default: '10,1' },
      'checkpoint-interval': { type: 'string', default: '1s' },
      iterations: { type: 'string', default: '1' },
      memory: { type: 'string' },
      peer: { type: 'string' },
      'peer-dir': { type: 'string' },
      json: { type: 'string' },
    },
  })
  const timeouts = values['buffer-timeout'].split(',')
  const settings = listOf('--state', values.state, ['memory', 'leveldb'] as const).flatMap(
    (state) =>
      timeouts.map((timeout): LatencySetting => ({
        rate: whole('--rate', values.rate),
        seconds: whole('--seconds', values.seconds),
        warmupSeconds: whole('--warmup-seconds', values['warmup-seconds'], 0),
        events: whole('--events', values.events),
        parallelism: whole('--parallelism', values.parallelism),
        state,
        checkpointMs: durationMs(values['checkpoint-interval']),
        bufferTimeoutMs: whole('--buffer-timeout', timeout),
        memory: values.memory ?? memoryFor(state),
      })),
  )
  return {
    settings,
    iterations: whole('--iterations', values.iterations),
    hasPeer: isPeerWanted(values.peer),
    peerFolder: values['peer-dir'] ?? peerFolder(),
    json: values.json,
  }
}

const settingOf = ({ state, bufferTimeoutMs, engine }: Latencies): string =>
  `${engine}, ${state}, ${bufferTimeoutMs} ms`

function tableOf(runs: readonly Latencies[]): Record<string, Record<string, string | number>> {
  const groups = Map.groupBy(runs, settingOf)
  return Object.fromEntries(
    [...groups].map(([name, group]) => {
      const show = (figure: (run: Latencies) => number): string | number =>
        group.length === 1 ? figure(group[0]!) : showSpread(spreadOf(group.map(figure)))
      const row = {
        p50: show(({ p50Ms }) => p50Ms),
        p99: show(({ p99Ms }) => p99Ms),
        'p99.9': show(({ p999Ms }) => p999Ms),
        max: show(({ maxMs }) => maxMs),
        'CPU s': show(({ cpuSeconds }) => cpuSeconds),
        checkpoints: group.at(-1)!.checkpoints,
        records: group.at(-1)!.records,
      }
      return [name, row]
    }),
  )
}
