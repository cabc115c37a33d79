import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LevelDbBackend } from '../../../runtime/state/leveldb-backend.ts'
import type { BackendContext } from '../../../runtime/state/state-backend.ts'
import { backendContext, settle, turn, within } from '../../contract/state-harness.ts'
import { registerAll } from '../../contract/state-model.ts'

describe('the working copy in LevelDB', () => {
  let folder = ''
  let directory = ''
  const backends: LevelDbBackend[] = []
  const open = async (overrides: Partial<BackendContext> = {}) => {
    const backend = new LevelDbBackend(backendContext({ directory, cacheBytes: 1, ...overrides }))
    backends.push(backend)
    const handles = registerAll(backend)
    await backend.restore([])
    return Object.assign(backend, handles)
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-store-'))
    directory = join(folder, 'attempt', '3')
  })
  afterEach(async () => {
    for (const backend of backends.splice(0)) await backend.close()
    rmSync(folder, { recursive: true })
  })

  it('lies in a directory of its own, which others may not read and which goes with it', async () => {
    const backend = await open()
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    within(backend, 'a', () => backend.value.update(1))
    await settle(backend)
    expect(readdirSync(directory)).toContain('CURRENT')
    await backend.close()
    await backend.close()
    expect(existsSync(directory)).toBe(false)
  })

  it('is not even opened while all state fits into memory', async () => {
    const backend = await open({ cacheBytes: 1_000_000 })
    within(backend, 'a', () => backend.value.update(1))
    await settle(backend)
    expect(readdirSync(directory)).toEqual([])
  })

  it('knows nothing of what a crash has left behind', async () => {
    const crashed = await open()
    within(crashed, 'a', () => crashed.value.update('stale'))
    await settle(crashed)
    mkdirSync(join(folder, 'other'))
    const left = join(folder, 'other', 'copy')
    await crashed.close()
    mkdirSync(left)
    writeFileSync(join(left, 'CURRENT'), 'not a LevelDB')
    const backend = await open({ directory: left })
    within(backend, 'b', () => backend.value.update(2))
    await settle(backend)
    expect(within(backend, 'a', () => backend.value.value())).toBeUndefined()
    expect(within(backend, 'b', () => backend.value.value())).toBe(2)
  })

  it('is a coded error where its directory cannot be made', async () => {
    writeFileSync(join(folder, 'attempt'), 'a file')
    await expect(open()).rejects.toThrow(expect.objectContaining({ code: 'MR_DIRECTORY_UNUSABLE' }))
  })

  it('ends the attempt with a coded error where it cannot be written', async () => {
    const failures: unknown[] = []
    const backend = await open({ fail: (error) => failures.push(error) })
    rmSync(directory, { recursive: true })
    writeFileSync(directory, 'a file')
    within(backend, 'a', () => backend.value.update(1))
    backend.work(Infinity)
    while (failures.length === 0) await turn()
    expect(failures).toEqual([
      expect.objectContaining({ code: 'MR_STATE_FAILED', name: 'RestartableError' }),
    ])
    expect(within(backend, 'a', () => backend.value.value())).toBe(1)
  })

  it('is a coded error where it is damaged', async () => {
    const backend = await open({ cacheBytes: 1_000_000 })
    // More than LevelDB keeps in memory, so that reading goes to its files.
    for (let i = 0; i < 200; i++) {
      within(backend, i, () => backend.value.update(new Uint8Array(100_000).fill(i)))
      await settle(backend)
    }
    for (const name of readdirSync(directory)) {
      if (!name.endsWith('.ldb')) continue
      const path = join(directory, name)
      writeFileSync(
        path,
        readFileSync(path).map((byte, at) => (at % 97 === 10 ? byte ^ 0x55 : byte)),
      )
    }
    const readAll = (): void => {
      for (let i = 0; i < 200; i++) within(backend, i, () => backend.value.value())
    }
    expect(readAll).toThrow(expect.objectContaining({ code: 'MR_STATE_FAILED' }))
  })
})
