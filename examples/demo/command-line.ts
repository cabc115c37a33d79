import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Where a demo keeps its state and its output. */
export interface DemoFolder {
  readonly path: string
  readonly alerts: string
}

/** A folder of the demos' own: they empty it, so nothing else may be in it. */
export function demoFolder(name: string): DemoFolder {
  const path = join(root, 'out', name)
  return { path, alerts: join(path, 'alerts') }
}

/** Rows per second of the demo: its 36,000 rows last 12 s. */
export const DEMO_RATE = 3_000

/** The demo as a command line: what `millrace` gets. Flags that follow win over these. */
export function demoCommandLine(folder: DemoFolder, more: readonly string[]): string[] {
  return [
    'run',
    join(root, 'examples/fraud-detection.ts'),
    `--dir=${join(folder.path, 'state')}`,
    '--parallelism=2',
    '--checkpoint-interval=2s',
    `--param=out=${folder.alerts}`,
    `--param=rate=${DEMO_RATE}`,
    ...more,
  ]
}

/** Milliseconds that a transaction takes a subtask in the demos with Kafka and AWS: their 36,000 last some six seconds. */
const PAUSE_MS = 0.3

/** The fraud job from topic to topic, until it has read what is there: what `millrace` gets. */
export function kafkaCommandLine(
  stateDir: string,
  topics: {
    readonly brokers: string
    readonly transactions: string
    readonly alerts: string
  },
): string[] {
  return [
    'run',
    join(root, 'examples/kafka-fraud.ts'),
    `--dir=${stateDir}`,
    '--parallelism=2',
    '--checkpoint-interval=1s',
    `--param=brokers=${topics.brokers}`,
    `--param=input=${topics.transactions}`,
    `--param=output=${topics.alerts}`,
    '--param=bounded=true',
    `--param=pause=${PAUSE_MS}`,
  ]
}

/** The fraud job from a stream into Firehose and S3, its state in S3, until it has read what is there: what `millrace` gets. */
export function awsCommandLine(
  aws: {
    readonly stream: string
    readonly deliveryStream: string
    readonly lake: string
    readonly state: string
  },
  work: string,
): string[] {
  return [
    'run',
    join(root, 'examples/kinesis-fraud.ts'),
    `--dir=${aws.state}`,
    `--work=${work}`,
    '--parallelism=2',
    '--checkpoint-interval=1s',
    `--param=stream=${aws.stream}`,
    `--param=deliveryStream=${aws.deliveryStream}`,
    `--param=lake=${aws.lake}`,
    '--param=bounded=true',
    `--param=pause=${PAUSE_MS}`,
  ]
}

/** The command line as a process of its own, from source. */
export function asProcess(commandLine: readonly string[]): [file: string, args: string[]] {
  return [process.execPath, ['-C', '@millrace/source', join(root, 'cli/main.ts'), ...commandLine]]
}
