import { rmSync } from 'node:fs'
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Mutant, mutate } from './mutant.ts'

/** What is not copied: what the sources are not made of. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', '.millrace', 'dist', 'node_modules', 'out'])

/** A copy of the sources that may be broken; the tree itself is never written to. */
export class CopiedTree {
  readonly path: string
  /** For what tests and jobs leave, inside the copy, so that it goes with it. */
  readonly temporary: string

  private constructor(path: string) {
    this.path = path
    this.temporary = join(path, 'temporary')
  }

  static async of(root: string): Promise<CopiedTree> {
    const path = await realpath(await mkdtemp(join(tmpdir(), 'millrace-mutants-')))
    const tree = new CopiedTree(path)
    await mkdir(tree.temporary)
    for (const name of await readdir(root)) {
      if (!LEFT_OUT.has(name)) await cp(join(root, name), join(path, name), { recursive: true })
    }
    // Package by package: Vitest keeps a cache beside them, which must not get into the tree.
    const packages = join(root, 'node_modules')
    await mkdir(join(path, 'node_modules'))
    for (const name of await readdir(packages)) {
      if (name.startsWith('.') && name !== '.bin') continue
      await symlink(join(packages, name), join(path, 'node_modules', name))
    }
    return tree
  }

  /** Breaks the copy for the time of the work, then mends it. */
  async broken<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const file = join(this.path, mutant.file)
    const text = await readFile(file, 'utf8')
    await writeFile(file, mutate(mutant, text))
    try {
      return await work()
    } finally {
      await writeFile(file, text)
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
