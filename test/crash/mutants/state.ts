import { cluster, type Mutant, unit } from './mutant.ts'

const memory = 'runtime/state/memory-backend.test.ts'
const lists = 'runtime/state/list-pieces.test.ts'
const farTimers = 'runtime/state/far-timers.test.ts'
const levelDb = 'runtime/state/leveldb-backend.test.ts'

/** Keyed state and timers, and what of them is in a checkpoint. */
export const STATE: readonly Mutant[] = [
  {
    name: 'no-tombstone',
    what: 'a checkpoint does not say that a value has been deleted (R24)',
    file: 'runtime/state/state-cell.ts',
    find: 'if (this.value === ABSENT && !this.existed) return',
    replace: 'if (this.value === ABSENT) return',
    killers: [unit(memory, 'hold a tombstone for all that is gone')],
  },
  {
    name: 'no-clear',
    what: 'a checkpoint does not say that a map has been cleared (R24)',
    file: 'runtime/state/map-store.ts',
    find: 'changes.logClear((run) => writePrefix(run.writer, row, state.stateId))',
    replace: '',
    killers: [unit(memory, 'hold a tombstone for all that is gone')],
  },
  {
    name: 'no-copy-before-change',
    what: 'what changes before it was encoded goes into the running checkpoint as it is later (R25)',
    file: 'runtime/state/change-log.ts',
    find: 'if (change.stamp !== 0) this.encodeFirst(change)',
    replace: '',
    killers: [unit('runtime/state/change-log.test.ts', 'encodes what is changed before its turn')],
  },
  {
    name: 'no-copy-on-access',
    what: 'what user code gets before it was encoded may be changed in place meanwhile (R25)',
    file: 'runtime/state/state-table.ts',
    find: 'if (stamp !== 0 && stamp !== this.changes.interval && cell.value !== ABSENT) {',
    replace: 'if (stamp === -1) {',
    killers: [unit(memory, 'hold the values of the moment of the barrier')],
  },
  {
    name: 'evicted-and-lost',
    what: 'an evicted entry cannot be read until its batch has landed (R22)',
    file: 'runtime/state/state-table.ts',
    find: `    cell.value = isGone ? ABSENT : EVICTED
    if (cell.pendingWrite === 0) cell.encoded = undefined`,
    replace: `    cell.value = isGone ? ABSENT : EVICTED
    cell.encoded = undefined`,
    killers: [
      unit(
        'runtime/state/write-back.test.ts',
        'keeps an evicted entry readable until its batch has landed',
      ),
    ],
  },
  {
    name: 'upcast-not-stored',
    what: 'a value that has been upcast does not count as changed: the next checkpoint has it in its old version (R24)',
    file: 'runtime/state/state-table.ts',
    find: 'if (isUpcast) this.#upcast(cell)',
    replace: '',
    killers: [unit(memory, 'are in the next checkpoint only if they were used')],
  },
  {
    name: 'upcast-again',
    what: 'the bytes of the old version stay beside a value that has been upcast, and are written as those of the new one',
    file: 'runtime/state/state-table.ts',
    find: 'if (isUpcast || cell.pendingWrite === 0) cell.encoded = undefined',
    replace: 'if (!isUpcast && cell.pendingWrite === 0) cell.encoded = undefined',
    killers: [unit(memory, 'are in the next checkpoint only if they were used')],
  },
  {
    name: 'upcast-unspilled',
    what: 'a value that has been upcast and was not changed leaves memory without being written (R22)',
    file: 'runtime/state/state-table.ts',
    find: `    this.touch(cell)
    cell.isDirty = true
  }

  /** What is stored of a cell`,
    replace: `    this.touch(cell)
  }

  /** What is stored of a cell`,
    killers: [unit(levelDb, 'are in the next checkpoint only if they were used')],
  },
  {
    name: 'upcast-of-ages',
    what: 'upcasting a list that expires loses when its elements were last used (semantics 2.17)',
    file: 'runtime/state/snapshot-format.ts',
    find: `  writer.append(bytes.subarray(reader.position))
  return writer.copy()`,
    replace: '  return writer.copy()',
    killers: [unit(memory, 'keep when they were last used')],
  },
  {
    name: 'upcast-of-last-access',
    what: 'the time of last use is taken for a part of the value that is upcast (semantics 2.17)',
    file: 'runtime/state/snapshot-format.ts',
    find: `  if (isTimed(codec)) reader.take(LAST_ACCESS_BYTES)
  else if`,
    replace: `  if (isTimed(codec)) reader.take(0)
  else if`,
    killers: [unit(memory, 'keep when they were last used')],
  },
  {
    name: 'upcast-missing-accepted',
    what: 'a run goes by the version that the job declared last: values that nobody has used since cannot be read (R5)',
    file: 'runtime/job/restore-checks.ts',
    find: 'return lowestStoredVersion(manifest, state.stateId) ?? state.version',
    replace: 'return state.version',
    killers: [unit('runtime/job/restore-checks.test.ts', 'goes by the oldest values')],
  },
  {
    name: 'lists-uncut',
    what: 'a list is one piece however long it gets, which every `add` loads and every checkpoint writes (R23)',
    file: 'runtime/state/list-store.ts',
    find: 'this.longBytes = CELL_BYTES + pieceBytes',
    replace: 'this.longBytes = Infinity',
    killers: [unit(lists, 'are not loaded and not written as a whole for what is added')],
  },
  {
    name: 'list-not-cleared',
    what: 'a checkpoint does not say that a list has been cleared or replaced: its full pieces come back (R24)',
    file: 'runtime/state/list-store.ts',
    find: 'if (!isNew) changes.logClear(',
    replace: 'if (!isNew) void (',
    killers: [
      unit(lists, 'are what plain arrays are, through evictions'),
      unit(lists, 'leave one tombstone when they are cleared'),
    ],
  },
  {
    name: 'list-new-too-long',
    what: 'a list that was changed since the last checkpoint is taken for one that came to be since then (R24)',
    file: 'runtime/state/list-store.ts',
    find: 'isNew &&= this.#isNew(cell)',
    replace: 'isNew &&= cell.stamp === changes.interval',
    killers: [unit(lists, 'are what plain arrays are, through evictions')],
  },
  {
    name: 'list-torn-at-the-barrier',
    what: 'the last piece goes into the running checkpoint as it is once the list has been cleared (R25)',
    file: 'runtime/state/list-store.ts',
    find: 'if (cell.stamp !== 0 && cell.stamp !== changes.interval) changes.encodeFirst(cell)',
    replace:
      'if (cell !== last && cell.stamp !== 0 && cell.stamp !== changes.interval) changes.encodeFirst(cell)',
    killers: [unit(lists, 'are what plain arrays are, through evictions')],
  },
  {
    name: 'list-pieces-lost',
    what: 'the last piece of a list leaves memory, and with it what is known of pieces that have not been written',
    file: 'runtime/state/row-cell.ts',
    find: 'if (this.pieces !== undefined && this.pieces.cells.size > 0) return false',
    replace: '',
    killers: [unit(lists, 'are what plain arrays are, through evictions')],
  },
  {
    name: 'list-pieces-counted',
    what: 'a long list that is loaded counts as many',
    file: 'runtime/state/base-loader.ts',
    find: "if (kind !== 'list' || !isFullPiece(key)) this.#options.counted()",
    replace: 'this.#options.counted()',
    killers: [unit(lists, 'are not loaded and not written as a whole for what is added')],
  },
  {
    name: 'list-ages-lost',
    what: 'the elements of a full piece have the ages of others (semantics 2.17)',
    file: 'runtime/state/list-store.ts',
    find: 'to.elementAccesses = from.elementAccesses.slice(start, end)',
    replace: 'to.elementAccesses = from.elementAccesses.slice(0, end - start)',
    killers: [unit(memory, 'holds for every kind of state, through evictions')],
  },
  {
    name: 'list-emptied-too-soon',
    what: 'a list whose newest elements have expired first is gone with them (semantics 2.17)',
    file: 'runtime/state/list-store.ts',
    find: 'else if (this.front(cell as RowCell) === undefined) table.removeValue(cell)',
    replace: 'else if (cell.stamp >= 0) table.removeValue(cell)',
    killers: [unit(memory, 'holds for every kind of state, through evictions')],
  },
  {
    name: 'unbounded-writes',
    what: 'pending writes stop no input, however many there are (R22)',
    file: 'runtime/state/spill.ts',
    find: 'return this.#failure !== undefined || this.#pendingBytes > this.#options.maxPendingBytes',
    replace: 'return this.#failure !== undefined',
    killers: [
      unit('runtime/state/write-back.test.ts', 'suspends the input while too much is pending'),
    ],
  },
  {
    name: 'evicted-from-the-checkpoint',
    what: 'an entry that is evicted before it was encoded is not in the checkpoint (R25)',
    file: 'runtime/state/state-table.ts',
    find: 'if (cell.stamp !== 0) this.changes.encodeEarly(cell)',
    replace: 'cell.stamp = 0',
    killers: [unit(levelDb, 'hold the values of the moment of the barrier')],
  },
  {
    name: 'no-timers',
    what: 'timers are not in the checkpoint',
    file: 'runtime/state/timer-domain.ts',
    find: 'if (!isLive && !this.existed) return',
    replace: 'if (isLive || !this.existed) return',
    killers: [
      unit('testing/operator-harness.test.ts', 'restores state, timers and processing time'),
    ],
  },
  {
    name: 'timers-off-by-one',
    what: 'a timer right behind those that are in memory is taken for one that is in memory (R23)',
    file: 'runtime/state/timer-horizon.ts',
    find: 'return bound === undefined || Buffer.compare(key(), bound) > 0',
    replace: 'return bound !== undefined && Buffer.compare(key(), bound) > 0',
    killers: [unit(farTimers, 'whatever leaves memory and comes back')],
  },
  {
    name: 'pending-timers-missed',
    what: 'timers that are on their way to the store while others are read back are not among them (R22)',
    file: 'runtime/state/far-timers.ts',
    find: 'if (key === undefined) continue',
    replace: 'continue',
    killers: [unit(farTimers, 'whatever leaves memory and comes back')],
  },
  {
    name: 'deleted-timers-read',
    what: 'timers come back that were deleted while they were being read (R22)',
    file: 'runtime/state/far-timers.ts',
    find: 'if (!isNewer) this.#loadFrom(key)',
    replace: 'this.#loadFrom(key)',
    killers: [unit(farTimers, 'whatever leaves memory and comes back')],
  },
  {
    name: 'far-deletion-lost',
    what: 'a timer that is not in memory cannot be deleted (R24)',
    file: 'runtime/state/timer-domain.ts',
    find: '} else if (this.#far?.isFar(row, timestamp) === true) this.#far.delete(row, timestamp)',
    replace: '}',
    killers: [unit(farTimers, 'whatever leaves memory and comes back')],
  },
  {
    name: 'fired-timers-stay',
    what: 'a timer that was read back and has fired stays in the store, and comes back once more',
    file: 'runtime/state/timer-domain.ts',
    find: 'if (timer.isStored) this.#far!.drop(timer.row, timer.timestamp)',
    replace: '',
    killers: [unit(farTimers, 'whatever leaves memory and comes back')],
  },
  {
    name: 'evicted-timers-lost',
    what: 'a timer that leaves memory before it was encoded is not in the checkpoint (R25)',
    file: 'runtime/state/timer-domain.ts',
    find: 'if (timer.stamp !== 0) this.#table.changes.encodeEarly(timer)',
    replace: 'timer.stamp = 0',
    killers: [unit(farTimers, 'whatever leaves memory and comes back')],
  },
  {
    name: 'no-wait-for-timers',
    what: 'a watermark goes on while timers up to it are still being read (R13)',
    file: 'runtime/task/watermark-cascade.ts',
    find: "return timers.isWaiting(domain) ? 'reading' : 'fired'",
    replace: "return 'fired'",
    killers: [
      unit('runtime/task/watermark-cascade.test.ts', 'waits for timers that are being read'),
    ],
  },
  {
    name: 'unchecked-blocks',
    what: 'a block of a segment is read whatever its checksum says (R27)',
    file: 'runtime/checkpoint/segment-format.ts',
    find: 'if (crc32(bytes) !== block.crc) {',
    replace: 'if (bytes.length === 0) {',
    killers: [unit('runtime/checkpoint/segments.test.ts', 'that are damaged')],
  },
  {
    name: 'shared-object',
    what: 'one object that is put into two states is one value (R16)',
    file: 'runtime/state/state-table.ts',
    find: 'this.loans.take(given, cell)',
    replace: 'given',
    killers: [unit(memory, 'makes two values of one object')],
  },
  {
    name: 'cache-of-the-whole-heap',
    what: 'the cache takes what the code of a worker needs, and its heap is full (N15)',
    file: 'runtime/job/memory.ts',
    find: '(heapMb - CODE_MB) * MIB',
    replace: 'wholeHeapMb * MIB',
    killers: [
      unit('runtime/job/memory.test.ts', 'leaves each heap room for code'),
      cluster('memory.test.ts', 'stays within the least memory'),
    ],
  },
  {
    name: 'broadcast-state-forgotten',
    what: 'the copies of broadcast state are not part of checkpoints (semantics 2.18)',
    file: 'operators/broadcast/broadcast-process.ts',
    find: 'return this.#states.snapshot()',
    replace: 'return undefined',
    killers: [unit('operators/broadcast/broadcast-process.test.ts', 'finds it after crashes')],
  },
  {
    name: 'snapshot-among-visits',
    what: 'a checkpoint falls between two keys that applyToKeyedState visits (semantics 2.18)',
    file: 'operators/broadcast/keyed-broadcast-operator.ts',
    find: "return this.#isBusy ? 'busy' : 'ready'",
    replace: "return this.#isBusy ? 'full' : 'ready'",
    killers: [
      unit(
        'operators/broadcast/keyed-broadcast-operator.test.ts',
        'is busy from a broadcast record',
      ),
    ],
  },
  {
    name: 'record-among-visits',
    what: 'a record overtakes the keys that applyToKeyedState has still to visit (semantics 2.18)',
    file: 'operators/broadcast/keyed-broadcast-operator.ts',
    find: 'if (this.#isBusy) this.#waiting.addKeyed',
    replace: 'if (this.#isBusy && !this.holdsBack) this.#waiting.addKeyed',
    killers: [
      unit('operators/broadcast/keyed-broadcast.test.ts', 'before anything that comes behind'),
      unit(
        'operators/broadcast/keyed-broadcast-operator.test.ts',
        'lets what comes meanwhile wait',
      ),
    ],
  },
  {
    name: 'stale-broadcast-bytes',
    what: 'a checkpoint holds broadcast state as it was at the one before (semantics 2.18)',
    file: 'operators/broadcast/broadcast-map.ts',
    find: `    deepFreeze(value)
    this.#encoded = undefined`,
    replace: '    deepFreeze(value)',
    killers: [
      unit('operators/broadcast/broadcast-map.test.ts', 'only after a change'),
      unit('operators/broadcast/broadcast-map.test.ts', 'comes back from its bytes'),
    ],
  },
]
