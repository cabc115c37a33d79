import { execFile, spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cachedFolder } from './cached-folder.ts'
import { freePorts } from './free-port.ts'
import { GuardedProcess } from './guarded-process.ts'
import { untilAnswers } from './until-answers.ts'

const run = promisify(execFile)
const PINNED = fileURLToPath(new URL('moto.txt', import.meta.url))
/** Changes with what is pinned. */
const VERSION = '5.2.5-1'

/** Why moto cannot be had here; undefined when it can. */
export function missingForMoto(): string | undefined {
  const { status } = spawnSync('python3', ['-c', 'import ensurepip, venv'], { stdio: 'ignore' })
  return status === 0 ? undefined : 'python3 with venv is not installed'
}

/** Where moto is installed: in the cache, from PyPI the first time (a quarter of a minute, with a slow line more than one). */
export function motoHome(): Promise<string> {
  return cachedFolder(`moto-${VERSION}`, async (folder) => {
    await run('python3', ['-m', 'venv', folder])
    await run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '-q', '-r', PINNED], {
      maxBuffer: 64 * 1024 * 1024,
    })
    await copyFile(PINNED, join(folder, 'moto.txt'))
  })
}

/** A stand-in for S3, Firehose and more of AWS: moto, from PyPI, in a virtual environment in the cache. It keeps all in memory. */
export class MotoServer {
  readonly endpoint: string
  readonly #process: GuardedProcess
  readonly #folder: string

  private constructor(endpoint: string, process: GuardedProcess, folder: string) {
    this.endpoint = endpoint
    this.#process = process
    this.#folder = folder
  }

  static async start(): Promise<MotoServer> {
    const home = await motoHome()
    const [port] = await freePorts(1)
    const folder = await mkdtemp(join(tmpdir(), 'millrace-moto-'))
    // Its scripts name the folder in which they were installed, which was another one then.
    const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)]
    const log = join(folder, 'moto.log')
    const process = await GuardedProcess.start(join(home, 'bin/python'), args, { log, folder })
    const endpoint = `http://127.0.0.1:${port}`
    await untilAnswers(`${endpoint}/moto-api/`, process)
    return new MotoServer(endpoint, process, folder)
  }

  async stop(): Promise<void> {
    await this.#process.kill('SIGTERM')
    await rm(this.#folder, { recursive: true, force: true })
  }
}
