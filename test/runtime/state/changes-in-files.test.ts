import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import { LevelDbBackend } from '../../../runtime/state/leveldb-backend.ts'
import { backendContext, encodeAll, turn, within } from '../../contract/state-harness.ts'
import { registerAll } from '../../contract/state-model.ts'
import { LaggingStore } from '../../harness/slow-store.ts'
import { LateFiles } from './change-play.ts'

const KEYS = 20_000
const VALUE_BYTES = 200
const BUDGET = 2_000_000
const CHANGE_BYTES = 128 * 1_024

describe('changes of state that is larger than memory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-changes-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('stay within the budget between barriers, also while one checkpoint after another is declined (R22, R24)', async () => {
    const directory = join(folder, 'state')
    const options = { directory, cacheBytes: BUDGET, changeBytes: CHANGE_BYTES }
    const backend = new LevelDbBackend(backendContext(options))
    const { value } = registerAll(backend)
    await backend.restore([])
    const files = (): number =>
      readdirSync(directory).filter((name) => name.startsWith('changes-')).length
    let most = 0
    let mostFiles = 0
    const changeAll = async (round: number): Promise<void> => {
      for (let i = 0; i < KEYS; i++) {
        const key = (i * 7_919) % KEYS
        within(backend, key, () => value.update(`${round} ${'x'.repeat(VALUE_BYTES)}`))
        if (i % 100 !== 0) continue
        do {
          backend.work(-Infinity)
          await turn()
        } while (backend.isSuspended)
        most = Math.max(most, backend.memoryBytes)
        if (i % 1_000 === 0) mostFiles = Math.max(mostFiles, files())
      }
    }
    for (let id = 1; id <= 3; id++) {
      await changeAll(id)
      const declined = backend.beginSnapshot(id, 0)
      if (id === 2) encodeAll(backend, declined)
      backend.checkpointAborted(id)
    }
    await changeAll(4)
    const snapshot = backend.beginSnapshot(4, 0)
    await changeAll(5)
    const entries = encodeAll(backend, snapshot)
    expect(entries.length).toBe(KEYS)
    expect(entries.every((entry) => Buffer.from(entry.value).includes('4 x'))).toBe(true)
    // Those of one round have 4.6 MB, of four that are not in a checkpoint 18 MB.
    expect(most).toBeLessThan(BUDGET * 2)
    expect(mostFiles).toBeGreaterThan(5)
    backend.checkpointCompleted(4)
    const last = backend.beginSnapshot(5, 4)
    expect(encodeAll(backend, last).length).toBe(KEYS)
    backend.checkpointCompleted(5)
    await vi.waitFor(() => expect(files()).toBe(0), { timeout: 10_000 })
    await backend.close()
  })

  it('suspend the input while too many wait to be written, and wake it after (R22)', async () => {
    const late = new LateFiles()
    let wakes = 0
    const context = backendContext({
      cacheBytes: 200_000,
      changeBytes: 20_000,
      wake: () => wakes++,
    })
    const backend = new KeyedBackend(context, new LaggingStore(), late.files)
    const { value } = registerAll(backend)
    await backend.restore([])
    const settle = async (): Promise<void> => {
      for (let i = 0; i < 200; i++) {
        backend.work(Infinity)
        await turn()
      }
    }
    for (let i = 0; i < 100; i++) within(backend, i, () => value.update('x'.repeat(500)))
    await settle()
    expect(backend.isSuspended).toBe(false)
    for (let i = 0; i < 600; i++) within(backend, i, () => value.update('y'.repeat(500)))
    await settle()
    expect(backend.isSuspended).toBe(true)
    const before = wakes
    for (let i = 0; i < 100 && backend.isSuspended; i++) {
      await late.land(1)
      backend.work(Infinity)
    }
    expect([backend.isSuspended, wakes > before]).toEqual([false, true])
    const closing = backend.close()
    for (let i = 0; i < 20; i++) await late.land(100)
    await closing
  })
})
