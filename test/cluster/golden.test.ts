import { readdirSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSnapshot, type Snapshot } from '../../runtime/inspect/snapshot.ts'
import { runJob } from '../../runtime/job/run-job.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { type Row, rowOf, tickOf } from '../golden/job.ts'
import { type ListRow, listRowOf } from '../golden/lists.ts'

const SAVEPOINTS = join(import.meta.dirname, '../golden/savepoints')
const OF_LISTS = join(import.meta.dirname, '../golden/savepoints-of-lists')
const COUNT = 4_000
const LATER = 5_000
const makeFolder = temporaryFolders()

/** The sums of all windows, by their key. */
function sums(): string[] {
  const found = new Map<string, number>()
  for (let index = 0; index < COUNT; index++) {
    const name = `${tickOf(index).key} ${Math.floor(index / 1_000)}`
    found.set(name, (found.get(name) ?? 0) + index)
  }
  return [...found].map(([name, sum]) => `${name.split(' ')[0]}: ${sum}`).sort()
}

/** Each savepoint with the parallelism that it is started from at: that of its job, or another. */
function alternating(folder: string): [name: string, parallelism: number][] {
  return readdirSync(folder).map((name, index) => [name, 2 + (index % 2)])
}

describe.each(alternating(SAVEPOINTS))('the savepoint %s', (name, parallelism) => {
  const path = join(SAVEPOINTS, name)

  it(`is started from at parallelism ${parallelism}, with all kinds of state, timers, windows and positions (R2, R12, R28)`, async () => {
    const dir = await makeFolder()
    const files = await readdir(path)
    const result = await runJob(new URL('../golden/job.ts', import.meta.url), {
      dir,
      from: path,
      parallelism,
      memory: '256mb',
      params: { count: COUNT },
      onEvent: () => {},
    })
    expect(result.status).toBe('finished')
    const { rows, sums: windows, 'known-names': names } = result.collected
    const all = rows as Row[]
    // Every timer: none had fired when the savepoint was taken.
    const timers = all.filter(({ index }) => index < 0).map(({ index }) => -index - LATER)
    const ofIndexes = Array.from({ length: COUNT }, (_, index) => index)
    expect(timers.sort((a, b) => a - b)).toEqual(ofIndexes)
    const ticks = all.filter(({ index }) => index >= 0).sort((a, b) => a.index - b.index)
    const first = ticks[0]!.index
    expect(first).toBeGreaterThan(0)
    for (const row of ticks) expect(row).toEqual(rowOf(row.index))
    const indexes = new Set(ticks.map(({ index }) => index))
    const missing = ofIndexes.slice(first + 20).filter((index) => !indexes.has(index))
    expect(missing).toEqual([])
    const found = (windows as Row[]).map(({ key, index }) => `${key}: ${index}`)
    expect(found.sort()).toEqual(sums())
    expect(names).toEqual(Array.from({ length: COUNT / 1_000 }, () => 'first,second'))
    // It is as it was.
    expect(await readdir(path)).toEqual(files)
  })

  it('holds no path of the machine that it was made on', () => expectNoPath(path))
})

describe.each(alternating(OF_LISTS))('the savepoint of lists %s', (name, parallelism) => {
  const path = join(OF_LISTS, name)

  it(`is started from at parallelism ${parallelism}, with lists in pieces (R23, R28)`, async () => {
    const before = await openSnapshot(path)
    const first = Math.max(...(await lengths(before, 'kept')))
    expect(first).toBeGreaterThan(100)
    expect(await lengths(before, 'aged')).toEqual(await lengths(before, 'kept'))
    await before.close()
    const count = first * 4
    const result = await runJob(new URL('../golden/lists.ts', import.meta.url), {
      dir: await makeFolder(),
      from: path,
      parallelism,
      memory: '256mb',
      params: { count },
      onEvent: () => {},
    })
    expect(result.status).toBe('finished')
    const rows = (result.collected['rows'] as ListRow[]).sort((a, b) => a.index - b.index)
    for (const row of rows) expect(row).toEqual(listRowOf(row.index))
    expect(rows.at(-1)).toEqual(listRowOf(count - 1))
    expect(rows.length).toBeGreaterThan(first)
  })

  it('holds no path of the machine that it was made on', () => expectNoPath(path))
})

async function lengths(snapshot: Snapshot, state: string): Promise<number[]> {
  const found: number[] = []
  for await (const { value } of snapshot.entries<unknown[]>({ uid: 'lists', state })) {
    found.push(value.length)
  }
  return found
}

async function expectNoPath(path: string): Promise<void> {
  const manifest = await readFile(join(path, 'manifest.json'), 'utf8')
  expect(manifest).toContain('"workingDirectory":"/"')
  expect(manifest).not.toMatch(/\/(?:home|tmp|root|Users|work)\b/)
}
