import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { eventOf, expectedRows, jobUrl, rowsOf, type Run, run } from './run.ts'
import { expectFailure } from './told-failure.ts'

const makeFolder = temporaryFolders()
const COUNT = 600
let folder: string
let out: string

beforeEach(async () => {
  folder = await makeFolder()
  out = join(folder, 'out')
})

/**
 * Runs a job until it has so many checkpoints, stops it, and tells where they are. It has read more since, so that the last
 * one has a segment of its own.
 */
async function stopAfter(job: string, checkpoints: number, params: Record<string, unknown>) {
  const stop = new AbortController()
  let seen = 0
  let read: number | undefined
  const options: RunJobOptions = {
    dir: join(folder, 'state'),
    params: { ...params, rate: 300 },
    signal: stop.signal,
    progressInterval: 20,
    onEvent: (event) => {
      if (event.type === 'checkpoint') seen++
      if (event.type !== 'progress' || seen < checkpoints) return
      read ??= event.recordsRead
      if (event.recordsRead > read) stop.abort()
    },
  }
  const stopped = await run(jobUrl(job), options)
  const { path, checkpointId } = stopped.result!.lastCheckpoint!
  return { lineage: dirname(dirname(path)), newest: checkpointId, folder: dirname(path) }
}

function resume(
  job: string,
  params: Record<string, unknown>,
  options: RunJobOptions = {},
): Promise<Run> {
  return run(jobUrl(job), { dir: join(folder, 'state'), params, ...options })
}

async function flipBit(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  bytes[Math.floor(bytes.length * at)]! ^= 1
  await writeFile(path, bytes)
}

async function segmentIn(folderOfCheckpoint: string): Promise<string> {
  const names = await readdir(folderOfCheckpoint)
  return join(
    folderOfCheckpoint,
    names.find((name) => name.endsWith('.seg'))!,
  )
}

describe('a damaged checkpoint', () => {
  it.each<[string, (folder: string) => Promise<void>]>([
    [
      'torn manifest',
      (checkpoint) => writeFile(join(checkpoint, 'manifest.json'), '{"format":"mill'),
    ],
    [
      'flipped bit in the manifest',
      (checkpoint) => flipBit(join(checkpoint, 'manifest.json'), 0.7),
    ],
    ['missing segment', async (checkpoint) => rm(await segmentIn(checkpoint))],
    ['flipped bit in the segment', async (checkpoint) => flipBit(await segmentIn(checkpoint), 0.3)],
  ])(
    'is gone back behind where output can be taken back, with equal output: %s (R3, R27)',
    async (_, damage) => {
      const stopped = await stopAfter('counting', 3, { out, count: COUNT })
      await damage(stopped.folder)
      const resumed = await resume('counting', { out, count: COUNT })
      expect(resumed.error).toBeUndefined()
      const told = resumed.events.flatMap((event) => {
        if (event.type === 'started') return event.notes
        return event.type === 'note' ? [event.message] : []
      })
      expect(told.join('\n')).toContain(`checkpoint ${stopped.newest} is damaged`)
      expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
    },
  )

  it('is refused, with the way out, where a sink cannot take back its output (R3)', async () => {
    const stopped = await stopAfter('collecting', 3, { count: COUNT })
    await writeFile(join(stopped.folder, 'manifest.json'), 'torn')
    const refused = await resume('collecting', { count: COUNT })
    expectFailure(refused, {
      code: 'MR_FALLBACK_REFUSED',
      where: `Checkpoint ${stopped.newest} (${stopped.folder})`,
      what: /is damaged \(Manifest .*manifest\.json is damaged: .*\), the newest good one is \d+/,
      prevents: /what sinks "squares" \(collection\) have put out since .* would be put out twice/,
      wayOut: 'restore the damaged file from a copy, or accept the doubling with --allow-rewind',
    })
    expect(refused.error).toMatchObject({ fields: { sinks: ['squares'] } })
    expect(eventOf(refused, 'running')).toBeUndefined()
    const allowed = await resume('collecting', { count: COUNT }, { allowRewind: true })
    expect(allowed.result?.status).toBe('finished')
    expect(eventOf(allowed, 'started')?.notes.join()).toContain(
      `checkpoint ${stopped.newest} is damaged`,
    )
  })

  it('is not used again once it has been gone back behind, even when its file is mended (R3)', async () => {
    const stopped = await stopAfter('counting', 3, { out, count: COUNT })
    const manifest = join(stopped.folder, 'manifest.json')
    const good = await readFile(manifest)
    await writeFile(manifest, 'torn')
    // Output is taken back; then the run ends before it has a checkpoint.
    const stop = new AbortController()
    const onEvent: RunJobOptions['onEvent'] = (event) => {
      if (event.type === 'running') throw new Error('the plug is pulled')
    }
    await resume(
      'counting',
      { out, count: COUNT },
      { onEvent, signal: stop.signal, checkpointInterval: '1h' },
    )
    await writeFile(manifest, good)
    const resumed = await resume('counting', { out, count: COUNT })
    expect(eventOf(resumed, 'started')?.restored?.checkpointId).toBeLessThan(stopped.newest)
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })

  it('ends the job when a base that all share is damaged, rather than lose state (R3, R27)', async () => {
    const stopped = await stopAfter('counting', 3, { out, count: COUNT })
    const [base] = (await readdir(stopped.lineage, { recursive: true }))
      .filter((name) => name.endsWith('.seg'))
      .sort((a, b) => Number.parseInt(a.slice(4), 10) - Number.parseInt(b.slice(4), 10))
    const path = join(stopped.lineage, base!)
    const good = await readFile(path)
    await flipBit(path, 0.3)
    expectFailure(await resume('counting', { out, count: COUNT }), {
      code: 'MR_CHECKPOINT_UNUSABLE',
      where: `None of the 3 checkpoints in ${stopped.lineage} can be restored`,
      what: new RegExp(
        `\\(\\d+, \\d+, \\d+: Checkpoint file ${base}, key groups \\d+ to \\d+, is damaged: .*\\)`,
      ),
      prevents: 'going on from part of one, or from the start, would lose or double records',
      wayOut: 'restore the files from a copy, start from another snapshot with --from',
    })
    await writeFile(path, good)
    const mended = await resume('counting', { out, count: COUNT })
    expect(eventOf(mended, 'started')?.restored?.checkpointId).toBe(stopped.newest)
    expect(await rowsOf(out)).toEqual(expectedRows(COUNT))
  })
})
