import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LevelDbBackend } from '../../../runtime/state/leveldb-backend.ts'
import type { BackendContext } from '../../../runtime/state/state-backend.ts'
import { stateBackendContract } from '../../contract/state-backend.ts'
import { backendContext, encodeAll, within } from '../../contract/state-harness.ts'
import { registerAll } from '../../contract/state-model.ts'
import { reachableBytes } from '../../harness/reachable-bytes.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'))
afterAll(() => rmSync(folder, { recursive: true }))
let backends = 0

/** Every backend has a directory of its own, as every attempt has. */
function context(cacheBytes: number): Partial<BackendContext> {
  return { cacheBytes, directory: join(folder, 'made', String(backends++)) }
}

stateBackendContract({
  name: 'LevelDB backend that evicts everything, and writes its changes to files',
  create: (context) => new LevelDbBackend(context),
  context: () => ({ ...context(1), changeBytes: 200 }),
  runs: 25,
})

stateBackendContract({
  name: 'LevelDB backend that evicts some',
  create: (context) => new LevelDbBackend(context),
  context: () => context(8_000),
  runs: 25,
})

stateBackendContract({
  name: 'LevelDB backend whose cache holds everything',
  create: (context) => new LevelDbBackend(context),
  context: () => context(64 * 1_024 * 1_024),
  runs: 12,
})

describe('a restore that reads everything', () => {
  it('keeps nothing in memory of what has left the cache, before any record has come (R22)', async () => {
    const source = new LevelDbBackend(backendContext(context(64 * 1_024 * 1_024)))
    const { value } = registerAll(source)
    await source.restore([])
    for (let key = 0; key < 50_000; key++) within(source, key, () => value.update(key))
    const entries = encodeAll(source, source.beginSnapshot(1, 0))
    await source.close()
    const backend = new LevelDbBackend(backendContext(context(500_000)))
    registerAll(backend)
    const before = reachableBytes()
    await backend.restore(entries)
    expect(reachableBytes() - before).toBeLessThan(5_000_000)
    await backend.close()
  })
})
