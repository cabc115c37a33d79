import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** How one run goes; the engine and the peer get the same. */
export interface LatencySetting {
  readonly rate: number
  readonly seconds: number
  readonly warmupSeconds: number
  readonly events: number
  readonly parallelism: number
  readonly state: 'memory' | 'leveldb'
  readonly checkpointMs: number
  readonly bufferTimeoutMs: number
  readonly memory: string
}

/** What one run comes to, in the shape of the peer. */
export interface Latencies {
  readonly engine: 'millrace' | 'flink'
  readonly mode: 'latency'
  readonly rate: number
  readonly seconds: number
  readonly parallelism: number
  readonly state: string
  readonly checkpointMs: number
  readonly bufferTimeoutMs: number
  /** Rows that count. */
  readonly records: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly cpuSeconds: number
  readonly checkpoints: number
}

/** One run of the engine, in a process of its own. */
export function runEngine(setting: LatencySetting): Promise<Latencies> {
  const script = fileURLToPath(new URL('latency-run.ts', import.meta.url))
  const args = ['-C', '@millrace/source', script, JSON.stringify(setting)]
  return onlyLine(process.execPath, args, { MILLRACE_STATE_BACKEND: setting.state })
}

/** One run of the program on Apache Flink that lies in a folder: the heap for state in memory, RocksDB for LevelDB. */
export function runPeer(folder: string, setting: LatencySetting): Promise<Latencies> {
  const options = {
    rate: setting.rate,
    seconds: setting.seconds,
    'warmup-seconds': setting.warmupSeconds,
    events: setting.events,
    parallelism: setting.parallelism,
    state: setting.state === 'memory' ? 'heap' : 'rocksdb',
    'checkpoint-ms': setting.checkpointMs,
    'buffer-timeout': setting.bufferTimeoutMs,
  }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  return onlyLine(join(folder, 'run'), args, {})
}

/** The only line of JSON that a program prints. */
async function onlyLine(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Latencies> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  let told: Latencies | undefined
  const read = async (): Promise<void> => {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('{')) told = JSON.parse(line) as Latencies
    }
  }
  await Promise.race([read(), failed])
  if (told === undefined) throw new Error(`${command} has ended without a result`)
  return told
}
