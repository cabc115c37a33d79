import { KeyedBackend } from './keyed-backend.ts'
import type { BackendContext } from './state-backend.ts'

/**
 * Keyed state in memory only, behind the same contract and with the same snapshots as `LevelDbBackend`.
 *
 * Keeps everything, whatever `cacheBytes` says, and never suspends the input; uses no directory and nothing asynchronous. For
 * tests, simulations, and jobs whose state is small.
 */
export class MemoryBackend extends KeyedBackend {
  constructor(context: BackendContext) {
    super(context, undefined)
  }
}
