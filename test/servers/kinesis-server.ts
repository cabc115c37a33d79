import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePorts } from './free-port.ts'
import { GuardedProcess } from './guarded-process.ts'
import { untilAnswers } from './until-answers.ts'

/** A stand-in for Kinesis: kinesis-mock, as the package `kinesis-local` has it. It keeps all in memory. */
export class KinesisServer {
  readonly endpoint: string
  readonly #process: GuardedProcess
  readonly #folder: string

  private constructor(endpoint: string, process: GuardedProcess, folder: string) {
    this.endpoint = endpoint
    this.#process = process
    this.#folder = folder
  }

  /** `shardLimit`: of all streams together. */
  static async start(options: { readonly shardLimit?: number } = {}): Promise<KinesisServer> {
    const home = dirname(createRequire(import.meta.url).resolve('kinesis-local/package.json'))
    const [plain, tls] = await freePorts(2)
    const folder = await mkdtemp(join(tmpdir(), 'millrace-kinesis-'))
    const settings = {
      // Without it, it ends at once.
      KINESIS_MOCK_CERT_PATH: join(home, 'server.json'),
      KINESIS_MOCK_PLAIN_PORT: plain,
      KINESIS_MOCK_TLS_PORT: tls,
      LOG_LEVEL: 'ERROR',
      SHARD_LIMIT: options.shardLimit ?? 1_000,
      // It waits so long before a stream that was made, or split, can be used.
      CREATE_STREAM_DURATION: '10ms',
      DELETE_STREAM_DURATION: '10ms',
      SPLIT_SHARD_DURATION: '10ms',
      MERGE_SHARDS_DURATION: '10ms',
      UPDATE_SHARD_COUNT_DURATION: '10ms',
      REGISTER_STREAM_CONSUMER_DURATION: '10ms',
      DEREGISTER_STREAM_CONSUMER_DURATION: '10ms',
    }
    const environment = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    const args = [...environment, process.execPath, join(home, 'main.js')]
    const log = join(folder, 'kinesis.log')
    const started = await GuardedProcess.start('env', args, { log, folder })
    const endpoint = `http://127.0.0.1:${plain}`
    await untilAnswers(endpoint, started)
    return new KinesisServer(endpoint, started, folder)
  }

  async stop(): Promise<void> {
    await this.#process.kill('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }
}
