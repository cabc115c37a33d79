import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { valueState } from 'millrace'
import {
  bootstrapState,
  changeState,
  dropState,
  openSnapshot,
  type Snapshot,
  verifySnapshots,
  writeSavepoint,
} from 'millrace/state'
import { collectGarbage } from '../../runtime/inspect/collect-garbage.ts'
import { listCheckpoints } from '../../runtime/inspect/list-checkpoints.ts'
import type { Key } from '../../runtime/key.ts'
import type { RunJobOptions } from '../../runtime/job/job-events.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import type { Kept } from './jobs/keeping.ts'
import { jobUrl, run, type Run } from './run.ts'

const makeFolder = temporaryFolders(afterEach)
const KEYS = Array.from({ length: 20 }, (_, key) => key)
let folder: string
let dir: string

beforeEach(async () => {
  folder = await makeFolder()
  dir = join(folder, 'state')
})

/** Runs the job slowly until it has taken some checkpoints, and stops it. */
async function runAndStop(
  params: RunJobOptions['params'],
  whileRunning: () => Promise<void> = async () => {},
): Promise<Run> {
  const stop = new AbortController()
  let seen = 0
  let looking: Promise<void> | undefined
  const stopped = await run(jobUrl('keeping'), {
    dir,
    parallelism: 2,
    params: params!,
    signal: stop.signal,
    onEvent: ({ type }) => {
      if (type !== 'checkpoint' || ++seen !== 2) return
      looking = whileRunning().finally(() => stop.abort())
    },
  })
  await looking
  expect(stopped.error).toBeUndefined()
  expect(stopped.result?.status).toBe('stopped')
  return stopped
}

/** What the job told last of each key. */
function lastTold({ result }: Run): Map<number, Kept> {
  const rows = result!.collected['kept'] as Kept[]
  return new Map(rows.toSorted((a, b) => a.n - b.n).map((row) => [row.key, row]))
}

async function countOf(snapshot: Snapshot, uid: string, state: string): Promise<number> {
  let count = 0
  for await (const _ of snapshot.entries({ uid, state })) count++
  return count
}

async function goOn(from: string, options: RunJobOptions = {}): Promise<Map<number, Kept>> {
  const finished = await run(jobUrl('keeping'), {
    dir: join(folder, 'other'),
    parallelism: 2,
    from,
    ...options,
  })
  expect(finished.error).toBeUndefined()
  expect(finished.result?.status).toBe('finished')
  return lastTold(finished)
}

describe('snapshots of a job on threads', () => {
  it('hold what the job itself tells, in states of every kind, and can be read while it runs (R24)', async () => {
    const seen: string[] = []
    const stopped = await runAndStop({ count: 1e9, rate: 1_000 }, async () => {
      const live = await openSnapshot(join(dir, 'keeping'))
      expect((await live.measure()).find(({ name }) => name === 'n')?.entries).toBe(20)
      await live.close()
      const listed = await listCheckpoints(join(dir, 'keeping'))
      expect(listed.filter(({ isNext }) => isNext)).toHaveLength(1)
      expect(await collectGarbage(join(dir, 'keeping'), { dryRun: false })).toMatchObject({
        isRunning: true,
        isRemoved: false,
      })
      seen.push('live')
    })
    expect(seen).toEqual(['live'])

    const snapshot = await openSnapshot(join(dir, 'keeping'))
    expect(snapshot.kind).toBe('stop')
    const told = lastTold(stopped)
    expect(told.size).toBe(20)
    const get = (state: string, key: number) => snapshot.get({ uid: 'keep', state }, key)
    for (const [key, row] of told) {
      expect(await get('n', key)).toBe(row.n)
      expect(await get('last', key)).toEqual(row.last)
      expect([...((await get('byParity', key)) as Map<string, number>)]).toEqual(row.byParity)
      expect(await get('sum', key)).toBe(row.sum)
      expect(await get('mean', key)).toEqual({ sum: row.sum, count: row.n })
      const [recent] = await snapshot.entriesOf({ uid: 'keep', state: 'recent' }, key)
      expect(recent).toMatchObject({ value: row.last.at(-1), timeDomain: 'processing' })
    }
    expect(await countOf(snapshot, 'keep', '!event-timers')).toBe(20)
    const windows = snapshot.states().find(({ uid, kind }) => uid === 'daily' && kind === 'value')!
    expect(await countOf(snapshot, 'daily', windows.name)).toBe(20)
    expect(await snapshot.get({ uid: 'limited', state: 'limits' }, 'high')).toBe(9)
    const total = [...told.values()].reduce((sum, { n }) => sum + n, 0)
    expect(snapshot.sources().map(({ uid }) => uid)).toEqual(['numbers', 'limits'])
    expect(total).toBe(stopped.result!.metrics.recordsRead - 2)
    await snapshot.close()
    for await (const { damages } of verifySnapshots(join(dir, 'keeping'))) {
      expect(damages).toEqual([])
    }
  })

  it('become savepoints from which a job goes on with what was changed in them (R2, R5)', async () => {
    await runAndStop({ rate: 100 })
    const path = join(folder, 'changed')
    await writeSavepoint({
      path,
      from: join(dir, 'keeping'),
      states: {
        keep: {
          n: changeState<number>(({ key, value }) => (key === 3 ? undefined : value + 1_000)),
          last: dropState(),
        },
      },
    })
    const before = await openSnapshot(join(dir, 'keeping'))
    const had = new Map<Key, number>()
    for await (const { key, value } of before.entries<number>({ uid: 'keep', state: 'n' })) {
      had.set(key, value)
    }
    await before.close()
    expect(had.has(3)).toBe(true)
    const told = await goOn(path)
    for (const key of KEYS) {
      const { n, sum } = told.get(key)!
      expect(n).toBe(key === 3 ? 20 - had.get(3)! : had.has(key) ? 1_020 : 20)
      expect(sum).toBe(KEYS.reduce((all, turn) => all + turn * 20 + key, 0))
    }
  })

  it('begin from nothing, with state that the job then has', async () => {
    const path = join(folder, 'filled')
    await writeSavepoint({
      path,
      job: 'keeping',
      states: {
        keep: {
          n: bootstrapState(
            valueState<number>(),
            KEYS.map((key) => ({ key, value: 5_000 })),
          ),
        },
      },
    })
    const told = await goOn(path)
    expect([...told.values()].map(({ n }) => n)).toEqual(KEYS.map(() => 5_020))
  })
})
