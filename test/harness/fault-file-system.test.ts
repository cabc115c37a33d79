import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../runtime/clock.ts'
import { FaultFileSystem, Stopped } from './fault-file-system.ts'

async function write(files: FaultFileSystem, path: string, text: string, isSynced = true) {
  const file = await files.create(path)
  await file.write(Buffer.from(text))
  if (isSynced) await file.sync()
  await file.close()
}

async function read(files: FaultFileSystem, path: string): Promise<string | undefined> {
  const size = await files.size(path)
  return size === undefined ? undefined : Buffer.from(await files.read(path, 0, size)).toString()
}

describe('FaultFileSystem', () => {
  it('forgets bytes that were not synced, and keeps those that were', async () => {
    const files = new FaultFileSystem(['/a'])
    await write(files, '/a/synced', 'one')
    await write(files, '/a/unsynced', 'two', false)
    const half = await files.create('/a/half')
    await half.write(Buffer.from('three'))
    await half.sync()
    await half.write(Buffer.from('four'))
    await files.syncDirectory('/a')
    files.powerCut()
    expect(await read(files, '/a/synced')).toBe('one')
    expect(await read(files, '/a/unsynced')).toBe('')
    expect(await read(files, '/a/half')).toBe('three')
  })

  it('forgets names whose folder was not synced: new, linked, renamed, removed', async () => {
    const files = new FaultFileSystem(['/a'])
    await write(files, '/a/old', 'old')
    await write(files, '/a/gone', 'gone')
    await files.makeDirectory('/a/folder')
    await files.syncDirectory('/a')
    await write(files, '/a/new', 'new')
    await files.rename('/a/old', '/a/renamed')
    await files.link('/a/gone', '/a/linked')
    await files.unlink('/a/gone')
    await files.removeDirectory('/a/folder')
    await files.makeDirectory('/a/other')
    expect(await files.list('/a')).toEqual(['linked', 'new', 'other', 'renamed'])
    files.powerCut()
    expect(await files.list('/a')).toEqual(['folder', 'gone', 'old'])
    expect(await read(files, '/a/old')).toBe('old')
  })

  it('keeps a name without its folder as little as the folder', async () => {
    const files = new FaultFileSystem(['/a'])
    await files.makeDirectory('/a/b')
    await write(files, '/a/b/c', 'text')
    await files.syncDirectory('/a/b')
    files.powerCut()
    expect(await files.list('/a')).toEqual([])
  })

  it('keeps everything when only the process ends', async () => {
    const files = new FaultFileSystem(['/a'])
    await write(files, '/a/b', 'text', false)
    files.faults = { stopAt: files.operations.length }
    await expect(files.unlink('/a/b')).rejects.toThrow(Stopped)
    await expect(files.size('/a/b')).rejects.toThrow(Stopped)
    files.restart()
    expect(await read(files, '/a/b')).toBe('text')
  })

  it('keeps with luck any part of what was not synced, and a rename whole or not at all', async () => {
    const names = new Set<string>()
    const contents = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const files = new FaultFileSystem(['/a'])
      await write(files, '/a/old', 'old')
      await files.syncDirectory('/a')
      await files.rename('/a/old', '/a/renamed')
      await write(files, '/a/torn', 'abcd', false)
      files.powerCut(new SeededRandom(seed))
      names.add((await files.list('/a')).join(' '))
      contents.add((await read(files, '/a/torn')) ?? 'none')
    }
    expect([...names].sort()).toEqual(['old', 'old torn', 'renamed', 'renamed torn'])
    for (const content of ['none', '', 'ab', 'abcd', 'ab\0\0']) expect(contents).toContain(content)
  })

  it('skips the syncs it is told to, and fails operations with a code', async () => {
    const files = new FaultFileSystem(['/a'])
    files.faults = {
      skips: ({ kind }) => kind === 'syncDirectory',
      fails: ({ path }) => (path === '/a/full' ? 'ENOSPC' : undefined),
    }
    await write(files, '/a/b', 'text')
    await files.syncDirectory('/a')
    await expect(files.create('/a/full')).rejects.toMatchObject({ code: 'ENOSPC' })
    files.powerCut()
    expect(await files.list('/a')).toEqual([])
  })

  it('behaves like a file system otherwise', async () => {
    const files = new FaultFileSystem(['/a'])
    await write(files, '/a/b', 'text')
    await expect(files.create('/a/b')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(files.link('/a/b', '/a/b')).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(files.unlink('/a/c')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.create('/x/c')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(files.removeDirectory('/a')).rejects.toMatchObject({ code: 'ENOTEMPTY' })
    await expect(files.makeDirectory('/a/b/c')).rejects.toMatchObject({ code: 'ENOTDIR' })
    expect(await files.makeDirectory('/a')).toBe(false)
    expect(await files.list('/nothing')).toEqual([])
    expect(await files.size('/a/nothing')).toBeUndefined()
    expect(Buffer.from(await files.read('/a/b', 1, 9)).toString()).toBe('ext')
  })
})
