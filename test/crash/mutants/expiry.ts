import { type Mutant, unit } from './mutant.ts'

const memory = 'runtime/state/memory-backend.test.ts'
const levelDb = 'runtime/state/leveldb-backend.test.ts'

/** State with a time to live: when it expires, and how it leaves (R30). */
export const EXPIRY: readonly Mutant[] = [
  {
    name: 'expires-late',
    what: 'state is there for a millisecond more than its time to live (semantics 2.17)',
    file: 'runtime/state/cell-ttl.ts',
    find: 'lastAccess + this.durationMs <= now',
    replace: 'lastAccess + this.durationMs < now',
    killers: [unit(memory, 'has expired once last access + ttl <= now')],
  },
  {
    name: 'renewed-for-this-run-only',
    what: 'a read that counts as access is not in the next checkpoint (R24)',
    file: 'runtime/state/timed-cells.ts',
    find: `    if (access <= cell.lastAccess) return
    this.#table.touch(cell)`,
    replace: '    if (access <= cell.lastAccess) return',
    killers: [unit(memory, 'is in the next checkpoint as a read has renewed it')],
  },
  {
    name: 'final-watermark-expires',
    what: 'the final watermark makes all state expire, for the timers that it fires too (R30)',
    file: 'runtime/state/ttl-time.ts',
    find: 'if (watermark !== MAX_TIMESTAMP) this.#watermark = watermark',
    replace: 'this.#watermark = watermark',
    killers: [
      unit('runtime/state/ttl-time.test.ts', 'the final one left out'),
      unit('operators/state-ttl.test.ts', 'however far the watermark jumps'),
    ],
  },
  {
    name: 'no-sweep',
    what: 'what has expired stays until somebody reads it (R30)',
    file: 'runtime/state/keyed-backend.ts',
    find: 'this.#sweep?.work(deadline)',
    replace: 'false',
    killers: [
      unit(memory, 'removes what has expired in every namespace'),
      unit(levelDb, 'removes what has expired in every namespace'),
    ],
  },
  {
    name: 'sweep-of-memory-only',
    what: 'what has expired in the working copy stays there, and in checkpoints (R30)',
    file: 'runtime/state/sweep.ts',
    find: 'if (spill === undefined) {',
    replace: 'if (spill !== null) {',
    killers: [unit(levelDb, 'removes what has expired in every namespace')],
  },
  {
    name: 'sweep-overtakes-writes',
    what: 'a sweep reads the working copy before what has left memory is in it, and does not meet that (R30)',
    file: 'runtime/state/sweep.ts',
    find: 'if (!spill.hasLanded(this.#lastWrite)) return false',
    replace: '',
    killers: [unit('runtime/state/write-back.test.ts', 'meets in a sweep what is on its way')],
  },
  {
    name: 'sweep-overtakes-timers',
    what: 'a sweep takes away what timers that have still to fire would have found (R30)',
    file: 'runtime/state/ttl-time.ts',
    find: 'return this.#settled',
    replace: 'return this.#watermark',
    killers: [unit(memory, 'of which all timers have to have fired')],
  },
  {
    name: 'swept-into-memory',
    what: 'what a sweep has removed waits in memory for an eviction, and stays in the working copy (R30)',
    file: 'runtime/state/sweep.ts',
    find: 'if (cell.isGone && cell.position >= 0) table.evict(cell)',
    replace: '',
    killers: [
      unit('runtime/state/sweep.test.ts', 'gives memory back before a snapshot comes'),
      unit('runtime/state/write-back.test.ts', 'meets in a sweep what is on its way'),
    ],
  },
  {
    name: 'timeless-for-ever',
    what: 'what was stored before its state had a time to live never expires (R30)',
    file: 'runtime/state/timed-cells.ts',
    find: 'else if (cell.lastAccess === -Infinity) {',
    replace: 'else if (cell.lastAccess === Infinity) {',
    killers: [unit(memory, 'gives a time to what was stored without one')],
  },
  {
    name: 'restless-sweep',
    what: 'a sweep with a short time to live never rests (R30)',
    file: 'runtime/state/sweep.ts',
    find: '(elapsed - this.#beganAt) * REST',
    replace: '0',
    killers: [unit('runtime/state/sweep.test.ts', 'rests ten times as long as it took')],
  },
]
