import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type FileSystem, nodeFileSystem } from '../../../runtime/file-system.ts'
import { JobDirectory } from '../../../runtime/job/job-directory.ts'
import type { JobRecord } from '../../../runtime/job/lineage.ts'
import { temporaryFolders } from './temporary-folder.ts'

const makeFolder = temporaryFolders()
const open = (dir: string, fileSystem = nodeFileSystem) => JobDirectory.open(dir, 'job', fileSystem)
const recordOf = (lineage: string): JobRecord => ({
  job: 'job',
  current: lineage,
  lineages: [{ lineage, ancestry: [], origin: undefined, committed: undefined, abandoned: [] }],
})
/** The file system, and the calls that decide what is durable, in order, with last names only. */
function watched(): { fileSystem: FileSystem; calls: string[] } {
  const calls: string[] = []
  const told = (call: string, path: string) => calls.push(`${call} ${/[^/]+.?$/.exec(path)![0]}`)
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async create(path) {
      const file = await nodeFileSystem.create(path)
      const sync = async () => (told('sync', path), file.sync())
      return { write: (chunk) => file.write(chunk), sync, close: () => file.close() }
    },
    rename: (from, to) => (told('rename', to), nodeFileSystem.rename(from, to)),
    syncDirectory: (path) => (told('sync', `${path}/`), nodeFileSystem.syncDirectory(path)),
  }
  return { fileSystem, calls }
}

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('directory of a job', () => {
  it('is private, and ignored by git (N25)', async () => {
    const dir = join(await makeFolder(), 'a', 'state')
    const directory = await open(dir)
    await directory.writeRecord(recordOf('l'))
    expect(directory.path).toBe(join(dir, 'job'))
    expect(await readFile(join(dir, '.gitignore'), 'utf8')).toBe('*\n')
    for (const path of [dir, directory.path, join(directory.path, 'lock')])
      expect(await mode(path)).toBe('700')
    for (const path of ['job.json', 'holder'])
      expect(await mode(join(directory.path, path))).toBe('600')
    await directory.close()
  })

  it('is locked until it is closed, and names the holder (R4)', async () => {
    const dir = await makeFolder()
    const first = await open(dir)
    await expect(open(dir)).rejects.toMatchObject({
      code: 'MR_DIRECTORY_LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    await first.close()
    await (await open(dir)).close()
  })

  it('is free again when it could not be opened (R4)', async () => {
    const dir = await makeFolder()
    const holder = join(dir, 'job/holder')
    await mkdir(holder, { recursive: true })
    await expect(open(dir)).rejects.toMatchObject({ code: 'MR_DIRECTORY_UNUSABLE' })
    await rmdir(holder)
    await (await open(dir)).close()
  })

  it('takes no process id for a lock (R4)', async () => {
    const dir = await makeFolder()
    await (await open(dir)).close()
    await writeFile(join(dir, 'job/holder'), `${process.ppid}\n`)
    await (await open(dir)).close()
  })

  it('takes the lock although a power failure has left it torn, but not away from a holder (R4)', async () => {
    const dir = await makeFolder()
    await (await open(dir)).close()
    const lock = join(dir, 'job/lock')
    for (const name of await readdir(lock))
      if (name !== 'LOCK') await writeFile(join(lock, name), '')
    const holder = await open(dir)
    for (const name of await readdir(lock))
      if (name !== 'LOCK') await writeFile(join(lock, name), '')
    await expect(open(dir)).rejects.toMatchObject({ code: 'MR_DIRECTORY_LOCKED' })
    await holder.close()
  })

  it('does not hide from git what else is in the folder (N25)', async () => {
    const dir = await makeFolder()
    await writeFile(join(dir, 'job.ts'), '')
    await (await open(dir)).close()
    expect((await readdir(dir)).sort()).toEqual(['job', 'job.ts'])
  })

  it('remembers the record, and replaces it atomically', async () => {
    const dir = await makeFolder()
    const directory = await open(dir)
    expect(await directory.readRecord('job')).toBeUndefined()
    await directory.writeRecord(recordOf('a'))
    await writeFile(join(directory.path, 'job.json.new'), 'left by a crash')
    await directory.writeRecord(recordOf('b'))
    expect(await directory.readRecord('job')).toEqual(recordOf('b'))
    expect((await readdir(directory.path)).sort()).toEqual(['holder', 'job.json', 'lock'])
    await directory.close()
  })

  it('makes the record durable: synced before it is renamed, and its name after (R26)', async () => {
    const { fileSystem, calls } = watched()
    const directory = await open(await makeFolder(), fileSystem)
    calls.length = 0
    await directory.writeRecord(recordOf('a'))
    expect(calls).toEqual(['sync job.json.new', 'rename job.json', 'sync job/'])
    calls.length = 0
    await directory.create(directory.checkpointsOf('a'))
    expect(calls.slice(-2)).toEqual(['sync job/', 'sync checkpoints/'])
    await directory.close()
  })

  it('makes its own folders durable, those too that a run has made which was killed before it synced them (R26)', async () => {
    const { fileSystem, calls } = watched()
    const folder = await makeFolder()
    for (const made of [[], ['dir'], ['dir', 'dir/job']]) {
      const place = join(folder, `made-${made.length}`)
      await mkdir(place)
      for (const path of made) await mkdir(join(place, path))
      calls.length = 0
      await (await open(join(place, 'dir'), fileSystem)).close()
      const synced = [`sync made-${made.length}/`, 'sync dir/', 'sync job/']
      expect(new Set(calls)).toEqual(new Set(synced))
    }
  })

  it('moves old state aside durably: the record before all else, so that no lineage is left without its checkpoints (R26, N23)', async () => {
    const { fileSystem, calls } = watched()
    const directory = await open(await makeFolder(), fileSystem)
    await directory.writeRecord(recordOf('a'))
    await directory.create(directory.checkpointsOf('a'))
    calls.length = 0
    await directory.setAside()
    expect(calls).toEqual([
      ...['sync job/', 'sync old/'],
      ...['rename job.json', 'sync 1/', 'sync job/'],
      ...['rename checkpoints', 'sync 1/', 'sync job/'],
    ])
    await directory.close()
  })

  it('moves old state aside, numbered, without the lock, and deletes nothing (N23)', async () => {
    const directory = await open(await makeFolder())
    expect(await directory.setAside()).toBeUndefined()
    for (const lineage of ['a', 'b']) {
      await directory.writeRecord(recordOf(lineage))
      await directory.create(directory.checkpointsOf(lineage))
      await writeFile(join(directory.checkpointsOf(lineage), 'data'), lineage)
      await directory.setAside()
    }
    expect((await readdir(directory.path)).sort()).toEqual(['holder', 'lock', 'old'])
    expect((await readdir(join(directory.path, 'old'))).sort()).toEqual(['1', '2'])
    expect(await readFile(join(directory.path, 'old/2/checkpoints/b/data'), 'utf8')).toBe('b')
    await directory.close()
  })

  it('removes working state at the start and at the end (R37)', async () => {
    const dir = await makeFolder()
    await mkdir(join(dir, 'job/work/3/state'), { recursive: true })
    const directory = await open(dir)
    expect(await readdir(directory.path)).not.toContain('work')
    await mkdir(directory.workOf(1), { recursive: true })
    await directory.close()
    expect(await readdir(directory.path)).not.toContain('work')
  })

  it('refuses checkpoints without a record, and a record of another job', async () => {
    const directory = await open(await makeFolder())
    await directory.create(directory.checkpointsOf('a'))
    await expect(directory.readRecord('job')).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
    })
    await directory.writeRecord(recordOf('a'))
    await expect(directory.readRecord('JOB')).rejects.toThrow(/belongs to job "job", not to "JOB"/)
    await directory.close()
  })

  it('says which directory cannot be used', async () => {
    const dir = await makeFolder()
    await writeFile(join(dir, 'file'), '')
    await expect(open(join(dir, 'file'))).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
      message: expect.stringContaining(join(dir, 'file', 'job')),
    })
  })

  // A file in the way stops whoever asks; permissions do not bind root, so what they lead to is played.
  it('says that a directory cannot be made because of a file in the way', async () => {
    const file = join(await makeFolder(), 'file')
    await writeFile(file, '')
    await expect(open(file)).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
      message: expect.stringMatching(/ENOTDIR.*; move the file that is in the way, or .*--dir\.$/),
    })
  })

  it.each([
    ['EACCES', 'make it writable'],
    ['EROFS', 'make it writable'],
    ['ENOSPC', 'free space on that disk'],
  ])('says that a directory is not writable: %s', async (code, wayOut) => {
    const refused = () => Promise.reject(Object.assign(new Error(`${code}: no`), { code }))
    const fileSystem = { ...nodeFileSystem, makeDirectory: refused }
    await expect(open(await makeFolder(), fileSystem)).rejects.toMatchObject({
      code: 'MR_DIRECTORY_UNUSABLE',
      message: expect.stringContaining(`${code}: no`),
    })
    await expect(open(await makeFolder(), fileSystem)).rejects.toThrow(wayOut)
  })

  it.each(['', '../elsewhere', 'a/b', 'nul', undefined as unknown as string])(
    'makes nothing for a job called %j, which could lead to another folder (N25)',
    async (name) => {
      const dir = await makeFolder()
      await expect(JobDirectory.open(dir, name, nodeFileSystem)).rejects.toMatchObject({
        code: 'MR_NAME_INVALID',
      })
      expect(await readdir(dir)).toEqual([])
    },
  )
})
