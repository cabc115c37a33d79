import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cachedFolder } from './cached-folder.ts'
import { freePorts } from './free-port.ts'
import { GuardedProcess } from './guarded-process.ts'
import { untilAnswers } from './until-answers.ts'

const run = promisify(execFile)
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c'

/**
 * A second S3, for campaigns: MinIO, which Go builds from its module the first time, in some ten minutes. It keeps all in a folder.
 *
 * It lists uploads by whole keys only. Credentials: those of `standIn()`.
 */
export class MinioServer {
  readonly endpoint: string
  readonly #process: GuardedProcess
  readonly #folder: string

  private constructor(endpoint: string, process: GuardedProcess, folder: string) {
    this.endpoint = endpoint
    this.#process = process
    this.#folder = folder
  }

  static async start(): Promise<MinioServer> {
    const home = await cachedFolder(`minio-${VERSION}`, async (folder) => {
      console.log('Building MinIO, which takes some ten minutes the first time…')
      const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' }
      await run('go', ['install', `github.com/minio/minio@${VERSION}`], {
        env,
        maxBuffer: 64 * 1024 * 1024,
      })
    })
    const [port, consolePort] = await freePorts(2)
    const folder = await mkdtemp(join(tmpdir(), 'millrace-minio-'))
    const started = await GuardedProcess.start(
      'env',
      [
        ...['MINIO_ROOT_USER=test', 'MINIO_ROOT_PASSWORD=test-secret', 'MINIO_UPDATE=off'],
        ...[join(home, 'minio'), 'server', '--quiet', '--address', `127.0.0.1:${port}`],
        ...['--console-address', `127.0.0.1:${consolePort}`, join(folder, 'data')],
      ],
      { log: join(folder, 'minio.log'), folder },
    )
    const endpoint = `http://127.0.0.1:${port}`
    await untilAnswers(`${endpoint}/minio/health/live`, started)
    return new MinioServer(endpoint, started, folder)
  }

  async stop(): Promise<void> {
    await this.#process.kill('SIGTERM')
    await rm(this.#folder, { recursive: true, force: true })
  }
}
