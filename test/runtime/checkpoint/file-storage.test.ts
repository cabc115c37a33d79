import {
  mkdtemp,
  readdir,
  readFile as readRaw,
  rm,
  stat,
  writeFile as writeRaw,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import { type FileSystem, nodeFileSystem } from '../../../runtime/file-system.ts'
import { checkpointStorageContract } from '../../contract/checkpoint-storage.ts'
import type { StorageUnderTest, StoredObjects } from '../../contract/storage-under-test.ts'
import { manifestOf, partOf, writeFile } from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem, type Faults, type Operation } from '../../harness/fault-file-system.ts'
import { UnreliableFileSystem } from '../../harness/unreliable-file-system.ts'

/** Files of a folder, as they lie there. */
function objectsIn(directory: string): StoredObjects {
  return {
    names: async () => {
      const all = await readdir(directory, { recursive: true, withFileTypes: true })
      return all
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .sort()
    },
    read: (name) => readRaw(name),
    write: (name, bytes) => writeRaw(name, bytes),
    remove: (name) => rm(name),
  }
}

function objectsOf(fileSystem: FaultFileSystem): StoredObjects {
  return {
    names: async () => fileSystem.files().sort(),
    read: async (name) => fileSystem.read(name, 0, (await fileSystem.size(name))!),
    write: async (name, bytes) => {
      if ((await fileSystem.size(name)) === undefined) await fileSystem.create(name)
      fileSystem.overwrite(name, bytes)
    },
    remove: (name) => fileSystem.unlink(name),
  }
}

checkpointStorageContract({
  name: 'files',
  few: true,
  create: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-storage-'))
    const open = (fileSystem: FileSystem) => createFileStorage({ directory, fileSystem })
    return {
      open: () => open(nodeFileSystem),
      openFaulty: (faults) => open(new UnreliableFileSystem(nodeFileSystem, faults)),
      objects: objectsIn(directory),
      remove: () => rm(directory, { recursive: true }),
    }
  },
})

function inMemory(faults: Faults): StorageUnderTest {
  const memory = new FaultFileSystem(['/storage'])
  memory.faults = faults
  const open = (fileSystem: FileSystem) => createFileStorage({ directory: '/storage', fileSystem })
  return {
    open: () => open(memory),
    openFaulty: (more) => open(new UnreliableFileSystem(memory, more)),
    objects: objectsOf(memory),
  }
}

checkpointStorageContract({ name: 'files in memory', create: () => inMemory({}) })

checkpointStorageContract({
  name: 'files where there are no links',
  few: true,
  create: () => inMemory({ fails: ({ kind }) => (kind === 'link' ? 'EPERM' : undefined) }),
})

describe('file storage', () => {
  const open = () => {
    const fileSystem = new FaultFileSystem(['/storage'])
    const storage = createFileStorage({ directory: '/storage', fileSystem })
    const failing = (kind: Operation['kind'], code: string, path = '') => {
      fileSystem.faults = {
        fails: (operation) =>
          operation.kind === kind && operation.path.includes(path) ? code : undefined,
      }
    }
    return { fileSystem, storage, failing }
  }

  it('makes folders and files that only their owner can read', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-storage-'))
    try {
      const storage = createFileStorage({ directory, fileSystem: nodeFileSystem })
      await storage.reserveId(0)
      const { file } = await writeFile(storage, 1, 'counts-0-1')
      await storage.publish(manifestOf(1))
      const modes = await Promise.all(
        ['chk-1', file, 'chk-1/manifest.json'].map(
          async (name) => (await stat(join(directory, name))).mode,
        ),
      )
      expect(modes.map((mode) => (mode & 0o777).toString(8))).toEqual(['700', '600', '600'])
      expect(await readdir(join(directory, 'chk-1'))).toEqual(['counts-0-1.seg', 'manifest.json'])
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('leaves alone what is not its own', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-storage-'))
    try {
      for (const name of ['notes.txt', 'chk-x', 'chk-01', 'chk-0', 'chk-9999999999999999']) {
        await writeRaw(join(directory, name), 'mine')
      }
      const storage = createFileStorage({ directory, fileSystem: nodeFileSystem })
      expect(await storage.reserveId(0)).toBe(1)
      await storage.publish(manifestOf(1))
      await storage.retain([manifestOf(1)], [])
      expect(await storage.list()).toEqual([1])
      expect((await readdir(directory)).length).toBe(6)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('says which folder cannot be used', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-storage-'))
    const file = join(directory, 'file')
    await writeRaw(file, 'not a folder')
    const storage = createFileStorage({ directory: file, fileSystem: nodeFileSystem })
    await expect(storage.reserveId(0)).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
      message: expect.stringContaining(file) as string,
    })
    await rm(directory, { recursive: true })
  })

  it.each(['EACCES', 'EROFS'])('calls a folder unusable on %s', async (code) => {
    const { storage, failing } = open()
    failing('makeDirectory', code)
    await expect(storage.reserveId(0)).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
      name: 'RestartableError',
      message: expect.stringMatching(/\/storage.*make the folder .* writable/) as string,
    })
  })

  it.each(['create', 'write', 'sync', 'syncDirectory'] as const)(
    'fails a segment with its file when %s finds no space, and can remove what was written',
    async (kind) => {
      const { fileSystem, storage, failing } = open()
      await storage.reserveId(0)
      failing(kind, 'ENOSPC', '/chk-1')
      const write = async () => {
        const writer = await storage.create(1, 'counts-0-1')
        try {
          await writer.write(Buffer.from('some bytes'))
          await writer.finish()
        } catch (error) {
          await writer.abort()
          throw error
        }
      }
      await expect(write()).rejects.toMatchObject({
        code: 'MR_CHECKPOINT_FAILED',
        name: 'RestartableError',
        message: expect.stringMatching(/\/storage\/chk-1\/counts-0-1\.seg.*free space/) as string,
      })
      fileSystem.faults = {}
      expect(fileSystem.files()).toEqual([])
    },
  )

  it.each(['create', 'write', 'sync', 'link'] as const)(
    'leaves earlier checkpoints good when %s fails while publishing (R26)',
    async (kind) => {
      const { fileSystem, storage, failing } = open()
      await storage.reserveId(0)
      await storage.publish(manifestOf(1))
      await storage.reserveId(1)
      failing(kind, 'ENOSPC')
      await expect(storage.publish(manifestOf(2))).rejects.toMatchObject({
        code: 'MR_CHECKPOINT_FAILED',
        message: expect.stringContaining('/storage/chk-2/manifest.json') as string,
      })
      fileSystem.faults = {}
      expect(await storage.list()).toEqual([1])
      expect(await storage.readManifest(1)).toEqual(manifestOf(1))
      expect(fileSystem.files()).toEqual(['/storage/chk-1/manifest.json'])
    },
  )

  it('leaves a checkpoint whose publication was not confirmed whole, until a newer one is there', async () => {
    const { fileSystem, storage, failing } = open()
    await storage.reserveId(0)
    const segment = await writeFile(storage, 1, 'counts-0-1')
    const manifest = manifestOf(1, { subtasks: [partOf(0, [segment])] })
    failing('syncDirectory', 'EIO')
    await expect(storage.publish(manifest)).rejects.toMatchObject({ code: 'MR_CHECKPOINT_FAILED' })
    fileSystem.faults = {}
    await storage.discard(1)
    expect(await storage.list()).toEqual([1])
    expect(await storage.stat(segment.file)).toBeDefined()
    await storage.reserveId(1)
    await storage.publish(manifestOf(2))
    await storage.retain([manifestOf(2)], [])
    expect(fileSystem.files()).toEqual(['/storage/chk-2/manifest.json'])
  })

  it.each([
    '../secret',
    'chk-1/../../secret',
    '/etc/passwd',
    'chk-1/x/../../../secret',
    'chk-1\\..\\secret',
    'secret',
    'chk-1/a\0b',
    '',
  ])('reads nothing outside its folder: %j (N25)', async (name) => {
    const { fileSystem, storage } = open()
    const outside = await fileSystem.create('/secret')
    await outside.write(Buffer.from('secret'))
    await storage.reserveId(0)
    await expect(storage.read(name, 0, 1)).rejects.toMatchObject({ code: 'MR_CHECKPOINT_CORRUPT' })
    await expect(storage.stat(name)).rejects.toMatchObject({ code: 'MR_CHECKPOINT_CORRUPT' })
  })

  it('refuses the manifest of another checkpoint under this id', async () => {
    const { fileSystem, storage } = open()
    await storage.reserveId(0)
    await storage.reserveId(1)
    await storage.publish(manifestOf(1))
    await fileSystem.link('/storage/chk-1/manifest.json', '/storage/chk-2/manifest.json')
    await expect(storage.readManifest(2)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_CORRUPT',
      message: expect.stringContaining('checkpoint 1') as string,
    })
  })

  it('does not take a folder that cannot be synced for a damaged checkpoint: nobody goes back behind it (R3, R26)', async () => {
    const { storage, failing } = open()
    await storage.reserveId(0)
    await storage.publish(manifestOf(1))
    failing('syncDirectory', 'EIO')
    await expect(storage.readManifest(1)).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_FAILED',
      message: expect.stringMatching(/\/storage\/chk-1: EIO.*look after that disk/) as string,
    })
    failing('syncDirectory', 'EROFS')
    expect(await storage.readManifest(1)).toEqual(manifestOf(1))
  })

  it('goes on when a file that it removes is gone already', async () => {
    const { storage, failing } = open()
    await storage.reserveId(0)
    await storage.publish(manifestOf(1))
    await storage.reserveId(1)
    await storage.publish(manifestOf(2))
    failing('unlink', 'ENOENT')
    await storage.retain([manifestOf(2)], [])
    failing('removeDirectory', 'ENOTEMPTY')
    await storage.retain([manifestOf(2)], [])
    await writeFile(storage, 2, 'left')
    failing('unlink', 'EACCES')
    await expect(storage.retain([manifestOf(2)], [])).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
    })
  })
})
