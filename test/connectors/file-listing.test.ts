import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { balance } from '../../connectors/file-enumerator.ts'
import { listFiles as listFilesOf } from '../../connectors/file-listing.ts'
import { csv } from '../../connectors/csv-format.ts'
import { fileSource } from '../../connectors/file-source.ts'
import { localFiles } from '../../connectors/local-files.ts'
import { SourceRun } from '../contract/source-run.ts'
import { temporaryFolders } from './temporary-folder.ts'

const newFolder = temporaryFolders()
const listFiles = (path: string) => listFilesOf(localFiles, path)

describe('listFiles', () => {
  let folder: string

  const write = async (...names: readonly string[]) => {
    for (const name of names) {
      await mkdir(join(folder, name, '..'), { recursive: true })
      await writeFile(join(folder, name), name)
    }
  }

  const found = async (path: string) =>
    (await listFiles(join(folder, path))).map((file) => relative(folder, file.path))

  beforeEach(async () => {
    folder = await newFolder()
  })

  it('takes one file, whatever it is called', async () => {
    await write('.hidden', 'a[1]*.csv')
    expect(await found('.hidden')).toEqual(['.hidden'])
    expect(await found('a[1]*.csv')).toEqual(['a[1]*.csv'])
  })

  it('takes the files directly in a folder, sorted, without hidden ones and folders', async () => {
    await write('in/b', 'in/a', 'in/B', 'in/.part-1.pending', 'in/deep/c')
    await symlink(join(folder, 'in/a'), join(folder, 'in/link'))
    expect(await found('in')).toEqual(['in/B', 'in/a', 'in/b', 'in/link'])
  })

  it('takes what matches a glob, without hidden files and folders', async () => {
    await write('in/a.csv', 'in/b.csv', 'in/.c.csv', 'in/x/d.csv', 'in/.x/e.csv', 'in/x/y/f.csv')
    await write('in/dir.csv/g.txt')
    expect(await found('in/*.csv')).toEqual(['in/a.csv', 'in/b.csv'])
    expect(await found('in/{b,c}.c?v')).toEqual(['in/b.csv'])
    const all = ['in/a.csv', 'in/b.csv', 'in/x/d.csv', 'in/x/y/f.csv']
    expect(await found('in/**/*.csv')).toEqual(all)
    expect(await found('*/x/[a-d].csv')).toEqual(['in/x/d.csv'])
    expect(await found('in/.x/*.csv')).toEqual(['in/.x/e.csv'])
  })

  it('does not take what exists for a pattern', async () => {
    await write('[2024]/a.csv', '2/a.csv')
    expect(await found('[2024]/*.csv')).toEqual(['[2024]/a.csv'])
  })

  it('notes size, head and kind of each file', async () => {
    await writeFile(join(folder, 'a'), gzipSync('x'))
    await writeFile(join(folder, 'b'), 'x'.repeat(100_000))
    await writeFile(join(folder, 'c'), 'x'.repeat(200_000))
    const [a, b, c] = await listFiles(folder)
    expect([a?.isGzip, b?.isGzip]).toEqual([true, false])
    expect([b?.size, c?.size]).toEqual([100_000, 200_000])
    expect(b?.headHash).toBe(c?.headHash)
    expect(a?.headHash).not.toBe(b?.headHash)
  })

  it('names what does not exist, and where relative paths begin', async () => {
    await expect(listFiles(join(folder, 'x'))).rejects.toMatchObject({
      code: 'MR_INPUT_MISSING',
      message: expect.stringContaining(process.cwd()),
      fields: { path: join(folder, 'x') },
    })
    await write('file')
    await expect(found('file/below')).rejects.toMatchObject({ code: 'MR_INPUT_MISSING' })
  })

  it.each([
    ['', 'is a folder without files'],
    ['*.csv', 'matches no file'],
    ['no/such/folder/*.csv', 'matches no file'],
  ])('finds nothing in "%s", and the source says that it %s', async (path, what) => {
    await write('.hidden', 'deep/a')
    expect(await listFiles(join(folder, path))).toEqual([])
    const source = fileSource({ path: join(folder, path), format: csv() })
    await expect(new SourceRun(source).start()).rejects.toMatchObject({
      code: 'MR_INPUT_EMPTY',
      message: expect.stringContaining(what),
    })
  })

  it('names a link to nothing, and a ring of links', async () => {
    await symlink(join(folder, 'gone'), join(folder, 'dangling'))
    await expect(listFiles(folder)).rejects.toMatchObject({
      code: 'MR_INPUT_MISSING',
      fields: { path: join(folder, 'dangling') },
    })
    await symlink('ring', join(folder, 'ring'))
    await expect(found('ring')).rejects.toMatchObject({
      code: 'MR_INPUT_UNREADABLE',
      fields: { systemCode: 'ELOOP' },
    })
  })

  it('refuses what is neither a file nor a folder', async () => {
    const path = join(folder, 'socket')
    const server = createServer().listen(path)
    await new Promise((resolve) => server.on('listening', resolve))
    try {
      await expect(listFiles(path)).rejects.toMatchObject({
        code: 'MR_INPUT_UNREADABLE',
        message: expect.stringContaining('neither a file nor a folder'),
      })
    } finally {
      server.close()
    }
  })
})

describe('balance', () => {
  const sizes = fc.array(fc.nat(1_000), { maxLength: 40 })

  it('deals every file to one subtask, in order, none much fuller than another', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 8 }), (all, parallelism) => {
        const files = all.map((size, i) => {
          return { path: String(i).padStart(3, '0'), size, headHash: '', isGzip: false }
        })
        const parts = balance(files, parallelism)
        expect(parts).toHaveLength(parallelism)
        const paths = parts.map((part) => part.map((file) => file.path))
        expect(paths.flat().sort()).toEqual(files.map((file) => file.path))
        for (const part of paths) expect(part).toEqual([...part].sort())
        const bytes = parts.map((part) =>
          part.reduce((sum, { size }) => sum + Math.max(1, size), 0),
        )
        expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThanOrEqual(Math.max(1, ...all))
        if (all.length >= parallelism)
          expect(Math.min(...paths.map((p) => p.length))).toBeGreaterThan(0)
        expect(balance(files, parallelism)).toEqual(parts)
      }),
    )
  })
})
