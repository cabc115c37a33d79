import { nodeFileSystem } from '../file-system.ts'
import { KeyedBackend } from './keyed-backend.ts'
import { LevelDbStore } from './leveldb-store.ts'
import type { BackendContext } from './state-backend.ts'

/**
 * Keyed state as a write-back cache of decoded values over LevelDB: an entry reaches LevelDB when it leaves the cache, not
 * at every update.
 *
 * The working copy in `directory` belongs to one attempt; it is made empty by `restore` and removed by `close`. Costs: a hit
 * is a look-up in a Map; a miss of a key that exists is one `getSync` (about 5 µs) and decoding; a key that was never
 * written out costs no look-up in LevelDB. Timers and the keys of maps in use are kept in memory.
 */
export class LevelDbBackend extends KeyedBackend {
  constructor(context: BackendContext) {
    super(context, new LevelDbStore(context.directory), nodeFileSystem)
  }
}
