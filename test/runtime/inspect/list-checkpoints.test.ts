import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../../cli/command.ts'
import { listCheckpoints } from '../../../runtime/inspect/list-checkpoints.ts'
import { encodeManifest } from '../../../runtime/checkpoint/manifest-codec.ts'
import { manifestOf, partOf } from '../../harness/checkpoint-fixtures.ts'
import { FakeHost } from '../../cli/fake-host.ts'
import { temporaryFolders } from '../job/temporary-folder.ts'
import { JobFolder, publish } from './job-folder.ts'

const makeFolder = temporaryFolders()
let dir: string
let job: JobFolder

beforeEach(async () => {
  dir = await makeFolder()
  job = await JobFolder.create(dir)
  return () => job.directory.close()
})

describe('listing checkpoints', () => {
  it('shows the lineages of a job beside the run that holds its lock, and which one a run resumes (R1, R2)', async () => {
    const first = await job.start()
    await publish(first, 1)
    const second = await publish(first, 2)
    const third = await publish(first, 3, {
      kind: 'stop',
      subtasks: [partOf(0, [...second.subtasks[0]!.segments])],
    })
    const other = await job.start({ from: join(first.checkpointDirectory, 'chk-2') })
    await publish(other, 1)

    const listed = await listCheckpoints(job.directory.path)
    const shown = listed.map((one) => [one.lineage, one.checkpointId, one.kind, one.isNext])
    expect(shown).toEqual([
      ['lineage-1', 1, 'checkpoint', false],
      ['lineage-1', 2, 'checkpoint', false],
      ['lineage-1', 3, 'stop', false],
      ['lineage-2', 1, 'checkpoint', true],
    ])
    const { bytes } = second.subtasks[0]!.segments[0]!
    expect(listed[2]).toMatchObject({
      createdAt: third.createdAt,
      bytes,
      ownBytes: 0,
      path: join(first.checkpointDirectory, 'chk-3'),
    })
    expect(listed[1]).toMatchObject({ bytes, ownBytes: bytes })
    expect(listed[3]!.ancestry[0]).toEqual({ lineage: 'lineage-1', checkpointId: 2 })
  })

  it('passes over what a run would pass over: damaged and abandoned ones (R3, R27)', async () => {
    const start = await job.start()
    for (const id of [1, 2, 3, 4]) await publish(start, id)
    await writeFile(join(start.checkpointDirectory, 'chk-4/manifest.json'), 'torn')
    await rm(join(start.checkpointDirectory, 'chk-3/counts.seg'))
    await start.abandon([2])
    const listed = await listCheckpoints(job.directory.path)
    expect(listed.map((one) => one.isNext)).toEqual([true, false, false, false])
    expect(listed.map((one) => one.isAbandoned)).toEqual([false, true, false, false])
    expect(listed[2]).toMatchObject({ kind: 'checkpoint' })
    expect(listed[2]!.damage).toContain('chk-3/counts.seg')
    expect(listed[3]!.damage).toContain('is damaged')
    expect(listed[3]!.kind).toBeUndefined()
  })

  it('lists a lineage or one checkpoint by its folder or manifest', async () => {
    const start = await job.start()
    for (const id of [1, 2]) await publish(start, id)
    const ids = async (path: string) => (await listCheckpoints(path)).map((one) => one.checkpointId)
    expect(await ids(start.checkpointDirectory)).toEqual([1, 2])
    expect(await ids(join(start.checkpointDirectory, 'chk-2'))).toEqual([2])
    expect(await ids(join(start.checkpointDirectory, 'chk-2/manifest.json'))).toEqual([2])
  })

  it('lists the savepoints in the folder of a job behind its checkpoints', async () => {
    const start = await job.start()
    const { subtasks } = await publish(start, 1)
    const path = join(job.directory.path, 'savepoints/1')
    await mkdir(path, { recursive: true })
    const { bytes } = subtasks[0]!.segments[0]!
    const segment = { ...subtasks[0]!.segments[0]!, file: 'counts-0.seg' }
    await writeFile(join(path, 'counts-0.seg'), Buffer.alloc(bytes))
    await mkdir(join(job.directory.path, 'savepoints/incomplete'))
    const manifest = manifestOf(1, { kind: 'savepoint', subtasks: [partOf(0, [segment])] })
    await writeFile(join(path, 'manifest.json'), encodeManifest(manifest))
    const listed = await listCheckpoints(job.directory.path)
    expect(listed.map(({ kind, path: where, isNext }) => [kind, where, isNext])).toEqual([
      ['checkpoint', join(start.checkpointDirectory, 'chk-1'), true],
      ['savepoint', path, false],
    ])
    expect(await listCheckpoints(path)).toMatchObject([{ ownBytes: bytes, damage: undefined }])
  })

  it('refuses what holds none', async () => {
    await expect(listCheckpoints(join(dir, 'nowhere'))).rejects.toMatchObject({
      code: 'MR_CHECKPOINT_NOT_FOUND',
    })
    await expect(listCheckpoints(dir)).rejects.toMatchObject({ code: 'MR_CHECKPOINT_NOT_FOUND' })
  })
})

describe('millrace checkpoints ls', () => {
  it('writes a line each, or JSON lines', async () => {
    const start = await job.start()
    for (const id of [1, 2]) await publish(start, id)
    const host = new FakeHost()
    expect(await runCommand(['checkpoints', 'ls', job.directory.path], host)).toBe(0)
    expect(host.stdout.lines[0]).toBe('lineage lineage-1')
    expect(host.stdout.lines[1]).toMatch(/^ {2}1 {2}checkpoint {2}2023-11-14 22:13:20 UTC/)
    expect(host.stdout.lines[2]).toMatch(/8 B, 8 B of it new {2}← a run goes on from here$/)
    const asJson = new FakeHost()
    await runCommand(['checkpoints', 'ls', job.directory.path, '--json'], asJson)
    const [first] = asJson.stdout.text.trim().split('\n')
    expect(JSON.parse(first!)).toMatchObject({ checkpointId: 1, isNext: false, bytes: 8 })
  })

  it('tells with exit code 2 of a path where there is none', async () => {
    const host = new FakeHost()
    expect(await runCommand(['checkpoints', 'ls', join(dir, 'nowhere')], host)).toBe(2)
    expect(host.stderr.text).toContain('error MR_CHECKPOINT_NOT_FOUND')
  })
})
