import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { openSnapshot } from 'millrace/state'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import type { Batch } from './jobs/holding.ts'
import { jobUrl, run, type Run } from './run.ts'

const makeFolder = temporaryFolders()
const COUNT = 900
let folder: string

beforeEach(async () => {
  folder = await makeFolder()
})

/** Runs the job to its end, or until it has taken some checkpoints. */
function start(parallelism: number, checkpoints = Infinity): Promise<Run> {
  const stop = new AbortController()
  let seen = 0
  return run(jobUrl('holding'), {
    dir: join(folder, 'state'),
    params: { out: join(folder, 'out'), count: COUNT, rate: checkpoints === Infinity ? 0 : 600 },
    parallelism,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'checkpoint' && ++seen === checkpoints) stop.abort()
    },
  })
}

/** All numbers that have been let go. */
async function numbersOut(): Promise<number[]> {
  const out = join(folder, 'out')
  const texts = await Promise.all(
    (await readdir(out)).map((name) => readFile(join(out, name), 'utf8')),
  )
  const lines = texts.join('').split('\n')
  return lines.filter((line) => line !== '').flatMap((line) => (JSON.parse(line) as Batch).numbers)
}

/** The lists of all subtasks in a checkpoint, one behind the other. */
async function itemsIn(path: string, state: string): Promise<number[]> {
  const snapshot = await openSnapshot(path)
  const items: number[] = []
  for await (const { value } of snapshot.entries<number[]>({ uid: 'held', state })) {
    items.push(...value)
  }
  await snapshot.close()
  return items
}

describe('lists of subtasks on real threads', () => {
  it('hold each number once, or have let it go, from stop to stop and at any parallelism (semantics 2.9, R14)', async () => {
    for (const [parallelism, checkpoints] of [
      [2, 4],
      [3, 3],
      [3, 3],
      [1, Infinity],
    ] as const) {
      const ended = await start(parallelism, checkpoints)
      expect(ended.error).toBeUndefined()
      const { path } = ended.result!.lastCheckpoint!
      const gone = await numbersOut()
      const held = await itemsIn(path, 'held')
      const all = [...gone, ...held].sort((a, b) => a - b)
      expect(new Set(all).size).toBe(all.length)
      const counted = await itemsIn(path, 'gone')
      expect(counted).toHaveLength(parallelism)
      expect(counted.reduce((sum, n) => sum + n, 0)).toBe(gone.length)
      if (checkpoints === Infinity) expect(all).toEqual(Array.from({ length: COUNT }, (_, n) => n))
    }
  })
})
