import { cluster, type Mutant, unit } from './mutant.ts'

const coordination = 'runtime/checkpoint/savepoint-coordination.test.ts'

/** Savepoints: how they are taken, what they hold, and what starts from them. */
export const SAVEPOINTS: readonly Mutant[] = [
  {
    name: 'savepoint-files-not-kept',
    what: 'files of a checkpoint are removed while they are copied to a savepoint',
    file: 'runtime/checkpoint/segment-chains.ts',
    find: '[...spared, ...this.#options.pinnedFiles()]',
    replace: 'spared',
    killers: [unit(coordination, 'keeps its files while it is copied')],
  },
  {
    name: 'savepoint-waits',
    what: 'a savepoint waits for the interval of checkpoints (semantics 2.7)',
    file: 'runtime/checkpoint/checkpoint-coordinator.ts',
    find: `    this.#timer?.()
    this.#trigger()`,
    replace: '',
    killers: [unit(coordination, 'triggers a checkpoint at once')],
  },
  {
    name: 'savepoint-failure-counts',
    what: 'a savepoint that fails counts as a failed checkpoint of the job (semantics 2.7)',
    file: 'runtime/checkpoint/checkpoint-coordinator.ts',
    find: 'if (of.savepoints.length === 0) this.#failures++',
    replace: 'this.#failures++',
    killers: [unit(coordination, 'fails alone')],
  },
  {
    name: 'savepoint-lost-with-the-attempt',
    what: 'a savepoint whose attempt ends is forgotten (R37)',
    file: 'runtime/checkpoint/checkpoint-coordinator.ts',
    find: 'if (this.#pending !== undefined) this.#savepoints.putBack(this.#pending.savepoints)',
    replace: '',
    killers: [unit(coordination, 'is tried again by the next attempt')],
  },
  {
    name: 'savepoint-of-the-newest-segment',
    what: 'a savepoint holds what its checkpoint has written, not the whole chain (R24)',
    file: 'runtime/checkpoint/savepoint-copy.ts',
    find: `    segments,
    isBeginning: true,`,
    replace: `    segments: segments.slice(-1),
    isBeginning: true,`,
    killers: [
      unit('runtime/checkpoint/savepoint-target.test.ts', 'holds what its checkpoint holds'),
    ],
  },
  {
    name: 'savepoint-over-another',
    what: 'two savepoints may be written to one folder at once',
    file: 'runtime/checkpoint/savepoint-target.ts',
    find: 'if (names.length > 0) throw taken(path, names)',
    replace: '',
    killers: [unit('runtime/checkpoint/savepoint-target.test.ts', 'is refused where something is')],
  },
  {
    name: 'stop-before-its-savepoint',
    what: 'a stop does not wait for the end of the run, whose directory is not free yet (R14)',
    file: 'runtime/job/job-commands.ts',
    find: `    } finally {
      await this.#over.promise
    }`,
    replace: `    } finally {
      await Promise.resolve()
    }`,
    killers: [unit('runtime/job/job-commands.test.ts', 'is over when the directory is free')],
  },
  {
    name: 'commands-of-anyone',
    what: 'whoever reaches the port may stop the job (N25)',
    file: 'runtime/job/control-server.ts',
    find: 'return given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted)',
    replace: 'return given.byteLength > 0 || timingSafeEqual(given, wanted)',
    killers: [unit('runtime/job/control.test.ts', 'listens to nobody else')],
  },
  {
    name: 'final-watermark-in-a-savepoint',
    what: 'what starts from the savepoint of a drained job takes all input for late (R12)',
    file: 'runtime/checkpoint/drained.ts',
    find: "watermark === 'max' ? (beforeFinal?.[name] ?? null) : watermark",
    replace: 'beforeFinal === null ? null : watermark',
    killers: [
      unit('runtime/checkpoint/drained.test.ts', 'goes on in a savepoint'),
      cluster('savepoint.test.ts', 'of a drained job'),
    ],
  },
  {
    name: 'time-before-the-end-forgotten',
    what: 'nobody knows where an operator stood before the final watermark came (R12)',
    file: 'runtime/task/chain-node.ts',
    find: 'if (watermark === MAX_TIMESTAMP) this.beforeFinal = this.watermark',
    replace: '',
    killers: [unit('runtime/task/watermark-cascade.test.ts', 'remembers where each node stood')],
  },
  {
    name: 'drain-ends-what-had-ended',
    what: 'input that had ended by itself ends again after the savepoint of a drained job (R12)',
    file: 'runtime/job/natural-end.ts',
    find: '    if (!ended.has(fromVertex)) ended.delete(toVertex)',
    replace: '',
    killers: [unit('runtime/job/natural-end.test.ts', 'behind nothing that goes on')],
  },
  {
    name: 'claim-before-the-copy',
    what: 'a savepoint that is taken over is removed before its checkpoint exists (R26)',
    file: 'runtime/job/claim.ts',
    find: 'await target.publish(this.manifest)',
    replace: '',
    killers: [unit('runtime/job/claim.test.ts', 'wherever the power goes')],
  },
  {
    name: 'claim-without-a-record',
    what: 'a snapshot is taken over before the directory remembers the lineage: a crash leaves checkpoints of nobody',
    file: 'runtime/job/job-start.ts',
    find: `    await this.#directory.writeRecord(this.#record)
    await this.#directory.create(this.checkpointDirectory)
    await this.claim?.take()`,
    replace: `    await this.#directory.create(this.checkpointDirectory)
    await this.claim?.take()
    await this.#directory.writeRecord(this.#record)`,
    killers: [unit('runtime/job/job-start.test.ts', 'takes a snapshot over again')],
  },
]
