import { readdirSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runJob } from '../../runtime/job/run-job.ts'
import { temporaryFolders } from '../runtime/job/temporary-folder.ts'
import { type Row, rowOf, tickOf } from '../golden/job.ts'

const SAVEPOINTS = join(import.meta.dirname, '../golden/savepoints')
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

describe.each(readdirSync(SAVEPOINTS))('the savepoint %s', (name) => {
  const path = join(SAVEPOINTS, name)

  it.each([2, 3])(
    'is started from at parallelism %d, with all kinds of state, timers, windows and positions (R2, R12, R28)',
    async (parallelism) => {
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
    },
  )

  it('holds no path of the machine that it was made on', async () => {
    const manifest = await readFile(join(path, 'manifest.json'), 'utf8')
    expect(manifest).toContain('"workingDirectory":"/"')
    expect(manifest).not.toMatch(/\/(?:home|tmp|root|Users|work)\b/)
  })
})
