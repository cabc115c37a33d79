import { dirname, basename } from 'node:path/posix'
import type { Random } from '../../runtime/clock.ts'
import type { FileSystem, ReadableFile, WritableFile } from '../../runtime/file-system.ts'

export type OperationKind =
  | 'create'
  | 'write'
  | 'sync'
  | 'rename'
  | 'link'
  | 'unlink'
  | 'makeDirectory'
  | 'removeDirectory'
  | 'syncDirectory'

/** One call that changes something or makes it durable. */
export interface Operation {
  readonly kind: OperationKind
  readonly path: string
  /** Its number since the beginning, from 0. */
  readonly index: number
}

/** What goes wrong. */
export interface Faults {
  /** The machine stops before this operation; all calls fail with `Stopped` until it is started again. */
  readonly stopAt?: number
  /** Syncs that do nothing although they say so: to see that a test notices. */
  readonly skips?: (operation: Operation) => boolean
  /** The code of the error with which an operation fails (`ENOSPC`, `EIO`); a failed write leaves half of its bytes. */
  readonly fails?: (operation: Operation) => string | undefined
}

/** The error of every call while the machine stands still. */
export class Stopped extends Error {}

interface FileNode {
  readonly kind: 'file'
  /** Bytes on the disk; `content` is what the running system sees. Files are only appended to. */
  durable: Uint8Array
  content: Uint8Array
}

interface DirectoryNode {
  readonly kind: 'directory'
  readonly names: Map<string, Node>
  durable: Map<string, Node>
  /** Changes of names since the last sync, in order. */
  unsynced: NameChange[]
}

type Node = FileNode | DirectoryNode

/** Undefined removes the name. Both halves of a rename share `operation`: they survive a power cut together. */
interface NameChange {
  readonly operation: object
  readonly name: string
  readonly node: Node | undefined
}

/**
 * A file system in memory that forgets at a power cut what was not synced (R26): bytes without `sync` of their file, and
 * names (created, linked, renamed, removed) without `syncDirectory` of their folder.
 *
 * ```
 *   running ── stopAt ─▶ stopped ── restart ──────▶ running    the process was killed: everything is still there
 *                           └────── powerCut ─────▶ running    what was synced is there
 * ```
 *
 * With a random number generator a power cut keeps any part of what was not synced, as disks do: single names, torn ends
 * of files, zeros instead of bytes. Without one it keeps nothing of it.
 */
export class FaultFileSystem implements FileSystem {
  faults: Faults = {}
  /** Everything done so far, without what failed. */
  readonly operations: Operation[] = []
  readonly #root: DirectoryNode = newDirectory()
  #count = 0
  #isStopped = false

  /** Folders that are there, durably, from the beginning. */
  constructor(folders: readonly string[] = []) {
    for (const folder of folders) {
      let parent = this.#root
      for (const name of folder.split('/').filter((part) => part !== '')) {
        const child = parent.names.get(name) ?? newDirectory()
        if (child.kind === 'file') throw systemError('ENOTDIR', folder)
        parent.names.set(name, child)
        parent.durable.set(name, child)
        parent = child
      }
    }
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** A new process on the same machine; no faults any more. */
  restart(): void {
    this.#isStopped = false
    this.faults = {}
  }

  /** The machine loses power and starts again; no faults any more. */
  powerCut(random?: Random): void {
    forget(this.#root, random, new Map(), new Set())
    this.restart()
  }

  // --- FileSystem ---

  async create(path: string): Promise<WritableFile> {
    this.#operate('create', path)
    const folder = this.#folderOf(path)
    if (folder.names.has(basename(path))) throw systemError('EEXIST', path)
    const file: FileNode = { kind: 'file', durable: new Uint8Array(0), content: new Uint8Array(0) }
    change(folder, path, file)
    return {
      write: async (chunk) => {
        try {
          this.#operate('write', path)
        } catch (error) {
          if (!(error instanceof Stopped)) append(file, chunk.subarray(0, chunk.byteLength >> 1))
          throw error
        }
        append(file, chunk)
      },
      sync: async () => {
        if (this.#operate('sync', path)) file.durable = file.content
      },
      close: async () => {
        if (this.#isStopped) throw new Stopped()
      },
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.#operate('rename', from)
    const node = this.#find(from)
    const operation = {}
    change(this.#folderOf(to), to, node, operation)
    change(this.#folderOf(from), from, undefined, operation)
  }

  async link(from: string, to: string): Promise<void> {
    this.#operate('link', to)
    const node = this.#find(from)
    const folder = this.#folderOf(to)
    if (folder.names.has(basename(to))) throw systemError('EEXIST', to)
    change(folder, to, node)
  }

  async unlink(path: string): Promise<void> {
    this.#operate('unlink', path)
    if (this.#find(path).kind === 'directory') throw systemError('EISDIR', path)
    change(this.#folderOf(path), path, undefined)
  }

  async makeDirectory(path: string): Promise<boolean> {
    this.#operate('makeDirectory', path)
    const folder = this.#folderOf(path)
    if (folder.names.has(basename(path))) return false
    change(folder, path, newDirectory())
    return true
  }

  async removeDirectory(path: string): Promise<void> {
    this.#operate('removeDirectory', path)
    const node = this.#find(path)
    if (node.kind === 'file') throw systemError('ENOTDIR', path)
    if (node.names.size > 0) throw systemError('ENOTEMPTY', path)
    change(this.#folderOf(path), path, undefined)
  }

  async syncDirectory(path: string): Promise<void> {
    const isDone = this.#operate('syncDirectory', path)
    const node = this.#find(path)
    if (node.kind === 'file') throw systemError('ENOTDIR', path)
    if (!isDone) return
    node.durable = new Map(node.names)
    node.unsynced = []
  }

  async list(path: string): Promise<readonly string[]> {
    const node = this.#look(path)
    return node?.kind === 'directory' ? [...node.names.keys()].sort() : []
  }

  async size(path: string): Promise<number | undefined> {
    const node = this.#look(path)
    return node?.kind === 'directory' ? 4_096 : node?.content.byteLength
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    this.#checkRunning()
    const node = this.#find(path)
    if (node.kind === 'directory') throw systemError('EISDIR', path)
    return node.content.slice(offset, offset + length)
  }

  async open(path: string): Promise<ReadableFile> {
    this.#checkRunning()
    const node = this.#find(path)
    if (node.kind === 'directory') throw systemError('EISDIR', path)
    const bytes = (offset: number, length: number): Uint8Array => {
      this.#checkRunning()
      return node.content.slice(offset, offset + length)
    }
    return {
      read: async (offset, length) => bytes(offset, length),
      readSync(offset, target) {
        const read = bytes(offset, target.length)
        target.set(read)
        return read.length
      },
      async close() {},
    }
  }

  // --- For tests ---

  /** Replaces the bytes of a file, durably: damage. */
  overwrite(path: string, content: Uint8Array): void {
    const node = this.#find(path)
    if (node.kind === 'directory') throw systemError('EISDIR', path)
    node.content = content
    node.durable = content
  }

  /** Paths of all files that the running system sees. */
  files(): string[] {
    return filesOf(this.#root, '')
  }

  // --- Sundry ---

  /** Counts an operation and lets it fail; false for a sync that is to do nothing. */
  #operate(kind: OperationKind, path: string): boolean {
    this.#checkRunning()
    if (this.#count === this.faults.stopAt) this.#isStopped = true
    this.#checkRunning()
    const operation = { kind, path, index: this.#count++ }
    const code = this.faults.fails?.(operation)
    if (code !== undefined) throw systemError(code, path)
    this.operations.push(operation)
    return this.faults.skips?.(operation) !== true
  }

  #checkRunning(): void {
    if (this.#isStopped) throw new Stopped('the machine stands still')
  }

  #look(path: string): Node | undefined {
    this.#checkRunning()
    let node: Node | undefined = this.#root
    for (const name of path.split('/').filter((part) => part !== '')) {
      node = node?.kind === 'directory' ? node.names.get(name) : undefined
    }
    return node
  }

  #find(path: string): Node {
    const node = this.#look(path)
    if (node === undefined) throw systemError('ENOENT', path)
    return node
  }

  #folderOf(path: string): DirectoryNode {
    const node = this.#find(dirname(path))
    if (node.kind === 'file') throw systemError('ENOTDIR', path)
    return node
  }
}

function newDirectory(): DirectoryNode {
  return { kind: 'directory', names: new Map(), durable: new Map(), unsynced: [] }
}

function change(
  folder: DirectoryNode,
  path: string,
  node: Node | undefined,
  operation: object = {},
): void {
  const name = basename(path)
  if (node === undefined) folder.names.delete(name)
  else folder.names.set(name, node)
  folder.unsynced.push({ operation, name, node })
}

function append(file: FileNode, chunk: Uint8Array): void {
  const content = new Uint8Array(file.content.byteLength + chunk.byteLength)
  content.set(file.content)
  content.set(chunk, file.content.byteLength)
  file.content = content
}

/** Brings a folder and all below it into the state after a power cut. */
function forget(
  folder: DirectoryNode,
  random: Random | undefined,
  survives: Map<object, boolean>,
  done: Set<Node>,
): void {
  const isLucky = (operation: object): boolean => {
    const known = survives.get(operation) ?? (random !== undefined && random.next() < 0.5)
    survives.set(operation, known)
    return known
  }
  const names = new Map(folder.durable)
  for (const { operation, name, node } of folder.unsynced) {
    if (!isLucky(operation)) continue
    if (node === undefined) names.delete(name)
    else names.set(name, node)
  }
  folder.names.clear()
  for (const [name, node] of names) folder.names.set(name, node)
  folder.durable = names
  folder.unsynced = []
  for (const node of names.values()) {
    if (done.has(node)) continue
    done.add(node)
    if (node.kind === 'directory') forget(node, random, survives, done)
    else node.content = node.durable = tear(node, random)
  }
}

/** What is left of a file: what was synced, and with luck more, whole, cut off or with zeros at the end. */
function tear(file: FileNode, random: Random | undefined): Uint8Array {
  if (random === undefined) return file.durable
  const luck = random.next()
  if (luck < 0.25) return file.durable
  if (luck < 0.5) return file.content
  const start = file.durable.byteLength
  const kept = start + Math.floor(random.next() * (file.content.byteLength - start))
  if (luck < 0.75) return file.content.slice(0, kept)
  return file.content.slice().fill(0, kept)
}

function filesOf(folder: DirectoryNode, path: string): string[] {
  return [...folder.names].flatMap(([name, node]) =>
    node.kind === 'file' ? [`${path}/${name}`] : filesOf(node, `${path}/${name}`),
  )
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: a fault of the test, '${path}'`), { code })
}
