import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { cachedFolder } from './cached-folder.ts'

/** Asks as another process would, which shares no memory with us. */
async function anotherCachedFolder(): Promise<typeof cachedFolder> {
  const url = new URL(`./cached-folder.ts?${randomUUID()}`, import.meta.url).href
  return ((await import(/* @vite-ignore */ url)) as { cachedFolder: typeof cachedFolder })
    .cachedFolder
}

it('gives several that ask at once one folder, complete, and leaves no other behind', async () => {
  const name = `test-${randomUUID()}`
  const askers = await Promise.all(Array.from({ length: 4 }, anotherCachedFolder))
  const folders = await Promise.all(
    askers.map((ask, number) =>
      ask(name, async (folder) => {
        writeFileSync(join(folder, 'first'), `${number}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
        writeFileSync(join(folder, 'second'), `${number}`)
      }),
    ),
  )
  try {
    expect(new Set(folders).size).toBe(1)
    const [first, second] = ['first', 'second'].map((file) =>
      readFileSync(join(folders[0]!, file), 'utf8'),
    )
    expect(first).toBe(second)
    const beside = readdirSync(dirname(folders[0]!)).filter((other) => other.includes(name))
    expect(beside).toEqual([basename(folders[0]!)])
  } finally {
    rmSync(folders[0]!, { recursive: true })
  }
})

it('makes a folder once, and again after a failure, of which nothing stays', async () => {
  const name = `test-${randomUUID()}`
  const failing = cachedFolder(name, () => Promise.reject(new Error('no line')))
  await expect(failing).rejects.toThrow('no line')
  let count = 0
  const make = async (): Promise<void> => void count++
  const folder = await cachedFolder(name, make)
  try {
    expect(await cachedFolder(name, make)).toBe(folder)
    expect(count).toBe(1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
