import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { LevelDbBackend } from '../../../runtime/state/leveldb-backend.ts'
import type { BackendContext } from '../../../runtime/state/state-backend.ts'
import { stateBackendContract } from '../../contract/state-backend.ts'

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
