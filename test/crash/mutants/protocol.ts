import { campaign, type Mutant, unit } from './mutant.ts'

const coordinator = 'runtime/checkpoint/checkpoint-coordinator.test.ts'
const storage = 'runtime/checkpoint/file-storage.test.ts'
const chains = 'runtime/checkpoint/segment-chains.test.ts'

/** The checkpoint protocol: barriers, publication, commits, and the files that checkpoints share. */
export const PROTOCOL: readonly Mutant[] = [
  {
    name: 'commit-before-publication',
    what: 'a sink commits what it has cut, before the checkpoint is published (R26, R33)',
    file: 'runtime/task/sink-driver.ts',
    find: `      if (committables.length > 0) this.#pending.push({ checkpointId, committables })
      return this.#pending.filter((pending) => pending.checkpointId <= checkpointId)`,
    replace: `      if (committables.length > 0) this.#pending.push({ checkpointId, committables })
      const pending = this.#pending.filter((one) => one.checkpointId <= checkpointId)
      return this.commitUpTo(checkpointId).then(() => pending)`,
    killers: [
      unit('runtime/task/sink-driver.test.ts', 'commits nothing before it is told to'),
      campaign('--failpoints after-pre-commit'),
    ],
  },
  {
    name: 'told-before-publication',
    what: 'sinks hear of a checkpoint before its manifest is published (R26)',
    file: 'runtime/checkpoint/checkpoint-coordinator.ts',
    find: `    this.#options.failpoint('before-publish')
    const manifestBytes = await storage.publish(manifest)`,
    replace: `    for (let slot = 0; slot < this.#options.slots; slot++)
      this.#options.send(slot, { type: 'checkpoint-completed', checkpointId })
    const manifestBytes = await storage.publish(manifest)`,
    killers: [unit(coordinator, 'is published when all parts and the enumerators are there')],
  },
  {
    name: 'no-alignment',
    what: 'the first barrier cuts the snapshot, those of other inputs are not waited for; the campaign reads eight files',
    file: 'runtime/channel/barrier-aligner.ts',
    find: 'this.#missing = this.#open',
    replace: 'this.#missing = 1',
    killers: [
      unit('runtime/channel/barrier-aligner.test.ts', 'blocks an input from its barrier'),
      unit('simulation/simulation.test.ts', 'random jobs'),
      campaign('--failpoints after-publish'),
    ],
  },
  {
    name: 'unblocked-inputs',
    what: 'an input goes on behind its barrier while the others are waited for',
    file: 'runtime/channel/barrier-aligner.ts',
    find: 'return this.#delivered[input]!',
    replace: 'return this.#delivered[input]! && input < 0',
    killers: [unit('runtime/channel/barrier-aligner.test.ts', 'does as the plain rule does')],
  },
  {
    name: 'endless-alignment',
    what: 'a barrier is waited for from an input that has ended (R9)',
    file: 'runtime/channel/barrier-aligner.ts',
    find: 'if (this.#pending === undefined || this.#delivered[input]) return false',
    replace: 'return false',
    killers: [unit('runtime/channel/barrier-aligner.test.ts', '(R9)')],
  },
  {
    name: 'barrier-while-firing',
    what: 'a snapshot falls into a watermark that is being fired (R13)',
    file: 'runtime/task/subtask.ts',
    find: 'return !this.#cascade.isActive && this.#outputs.areReadyForBarrier()',
    replace: 'return this.#outputs.areReadyForBarrier()',
    killers: [
      unit('runtime/task/subtask.test.ts', 'takes nothing while a watermark is being fired'),
    ],
  },
  {
    name: 'record-overtakes-watermark',
    what: 'a record of a direct channel is taken while the watermark before it is being fired (R8, R13)',
    file: 'runtime/task/subtask.ts',
    find: 'this.#waiting.isOpen = !this.chain.time.hasFollowed(this.#gate!.valve)',
    replace: '',
    killers: [
      unit('operators/records-behind-watermarks.test.ts', 'lets no record overtake a watermark'),
    ],
  },
  {
    name: 'published-over-another',
    what: 'a manifest takes the place of one that is there (R26)',
    file: 'runtime/checkpoint/manifest-file.ts',
    find: 'await fileSystem.link(aside, path)',
    replace: 'await fileSystem.rename(aside, path)',
    killers: [unit(storage, 'are published once')],
  },
  {
    name: 'id-again',
    what: 'an id is given out again when nothing of its checkpoint is left (R1)',
    file: 'runtime/checkpoint/file-storage.ts',
    find: 'let id = Math.max(above, ...(await this.#ids())) + 1',
    replace: 'let id = above + 1',
    killers: [unit(storage, 'stay taken when what had them is discarded or removed')],
  },
  {
    name: 'declined-changes-lost',
    what: 'the changes of a checkpoint that was declined are in no other (R24)',
    file: 'runtime/state/change-log.ts',
    find: 'this.#early.prepend(snapshot.runs)',
    replace: '',
    killers: [
      unit('runtime/state/memory-backend.test.ts', 'carry what was in an aborted one'),
      unit(
        'runtime/state/change-log.test.ts',
        'carries on what any number of snapshots did not finish',
      ),
      unit('runtime/state/run-store.test.ts', 'make up with the rest the state at each barrier'),
    ],
  },
  {
    name: 'untold-decline-forgotten',
    what: 'a barrier takes the checkpoint before it for complete, though its base is older (R24)',
    file: 'runtime/state/change-log.ts',
    find: 'before.checkpointId <= baseId) before.forget()',
    replace: 'before.checkpointId > 0) before.forget()',
    killers: [
      unit(
        'runtime/state/change-log.test.ts',
        'carries on what any number of snapshots did not finish',
      ),
      unit('runtime/state/run-store.test.ts', 'make up with the rest the state at each barrier'),
    ],
  },
  {
    name: 'wrong-base',
    what: 'a checkpoint has the one before as its base though that was declined (R24)',
    file: 'runtime/checkpoint/checkpoint-coordinator.ts',
    find: `    if (checkpointId > this.#lastId + 1) this.#discard(checkpointId - 1)
    this.#lastId = checkpointId`,
    replace: `    this.#lastCompletedId = this.#lastId
    this.#lastId = checkpointId`,
    killers: [unit(coordinator, 'of a declined or expired checkpoint go into the next one')],
  },
  {
    name: 'final-commit-not-awaited',
    what: 'the job is finished when its final checkpoint is published, committed or not (R34)',
    file: 'runtime/checkpoint/checkpoint-coordinator.ts',
    find: 'if (this.#last?.kind === kind) this.#last.summary = summary',
    replace: 'if (this.#last?.kind === kind) this.#last.resolve((this.#last.summary = summary))',
    killers: [unit(coordinator, 'is done when all commits are')],
  },
  {
    name: 'final-commit-skipped',
    what: 'a run that finds a final checkpoint does not commit what it has pending (R33, R34)',
    file: 'runtime/task/sink-driver.ts',
    find: 'await this.commitUpTo(Infinity)',
    replace: 'this.#pending = []',
    killers: [
      unit('runtime/task/sink-driver.test.ts', 'commits what the checkpoint had pending'),
      campaign('--failpoints after-publish'),
    ],
  },
  {
    name: 'retention-of-named-files',
    what: 'files go that a retained checkpoint still names',
    file: 'runtime/checkpoint/file-storage.ts',
    find: 'new Set([...spared, ...kept.flatMap(filesOf)])',
    replace: 'new Set([...spared, ...kept.slice(-1).flatMap(filesOf)])',
    killers: [
      unit(storage, 'removes other manifests, and the files that nothing names'),
      unit('runtime/checkpoint/durability.test.ts', 'keeps every promise, wherever it stops'),
    ],
  },
  {
    name: 'leftovers-of-killed-runs',
    what: 'each run that is killed right after a publication leaves one more checkpoint (R29)',
    file: 'runtime/checkpoint/checkpoint-coordinator.ts',
    find: `    void this.#chains.tidy()
    this.#savepoints.listen(`,
    replace: '    this.#savepoints.listen(',
    killers: [unit(coordinator, 'does not leave one more checkpoint each time')],
  },
  {
    name: 'fold-without-a-run',
    what: 'folding loses one of the segments that it replaces (R29)',
    file: 'runtime/checkpoint/segment-merger.ts',
    find: 'for (const segment of segments) readers.push',
    replace: 'for (const segment of segments.slice(1)) readers.push',
    killers: [
      unit('runtime/checkpoint/fold.test.ts', 'makes one segment of several'),
      unit(chains, 'keeps every chain short and every checkpoint whole'),
    ],
  },
  {
    name: 'fold-without-tombstones',
    what: 'folding in the middle of a chain drops deletions, and what was deleted comes back (R29)',
    file: 'runtime/checkpoint/segment-merger.ts',
    find: 'dropTombstones: isBeginning',
    replace: 'dropTombstones: true',
    killers: [
      unit('runtime/checkpoint/fold.test.ts', 'keeps tombstones when older segments are left'),
      unit(chains, 'keeps tombstones where it folds behind a large first segment'),
    ],
  },
]
