import { campaign, type Mutant, unit } from './mutant.ts'

/** What a run that follows another finds, takes back and goes on from; and when there is none. */
export const RECOVERY: readonly Mutant[] = [
  {
    name: 'forgotten-position',
    what: 'a reader begins its file anew instead of where the checkpoint left it (R32)',
    file: 'connectors/open-file.ts',
    find: 'const { path, offset, line, header } = this.#split',
    replace: `this.#split = { ...this.#split, offset: 0, line: 1, header: null }
      const { path, offset, line, header } = this.#split`,
    killers: [
      unit('connectors/file-source.test.ts', 'resumes at any record of any of them'),
      campaign('--failpoints after-publish'),
    ],
  },
  {
    name: 'split-in-two-places',
    what: 'a split assigned behind a trigger is in the part of enumerator and reader (R31)',
    file: 'runtime/task/source-trigger.ts',
    find: 'if (this.#trigger === undefined) this.#assignHeld()',
    replace: 'this.#assignHeld()',
    killers: [
      unit('runtime/task/subtask-source.test.ts', 'leaves splits assigned behind a trigger'),
    ],
  },
  {
    name: 'later-output-left',
    what: 'files that were finished after the checkpoint gone back to are not removed (R3)',
    file: 'connectors/file-output.ts',
    find: "return checkpointId <= current.checkpointId ? 'leave' : 'take-back'",
    replace: "return 'leave'",
    killers: [
      unit('connectors/file-output.test.ts', 'takes back own later output'),
      unit('connectors/file-sink-crash.test.ts', 'commits exactly that in any life'),
    ],
  },
  {
    name: 'leftovers-of-the-sink',
    what: 'pending files that no checkpoint lists are left (R3)',
    file: 'connectors/file-output.ts',
    find: "if (!isFinished) return 'remove'",
    replace: "if (!isFinished) return 'leave'",
    killers: [
      unit('connectors/file-sink-crash.test.ts', 'killed before any operation'),
      campaign('--failpoints after-pre-commit'),
    ],
  },
  {
    name: 'foreign-output-accepted',
    what: 'output of another run in the way is not refused (R2)',
    file: 'connectors/file-output.ts',
    find: "if (isFinished) return isContinued ? 'leave' : 'conflict'",
    replace: "if (isFinished) return 'leave'",
    killers: [unit('connectors/file-output.test.ts', '(R2')],
  },
  {
    name: 'doubling-fallback',
    what: 'an older checkpoint is used although a sink cannot take back what it committed since (R3)',
    file: 'runtime/job/base-selection.ts',
    find: 'refuseDoubling(options, id, failures)\n        notes',
    replace: 'notes',
    killers: [unit('runtime/job/base-selection.test.ts', 'refuses to double output')],
  },
  {
    name: 'missing-file-not-noticed',
    what: 'a checkpoint is gone on from although one of its files is missing (R27)',
    file: 'runtime/job/base-selection.ts',
    find: 'await validateManifestFiles(storage, manifest)',
    replace: '',
    killers: [
      unit('runtime/job/base-selection.test.ts', 'of which a file is missing or too short'),
    ],
  },
  {
    name: 'no-lock',
    what: 'two runs use a job directory at once (R4)',
    file: 'runtime/job/job-lock.ts',
    find: `  try {
    await level.open()
  } catch (error) {
    if (isLocked(error)) throw`,
    replace: `  try {
    if (path === '') await level.open()
  } catch (error) {
    if (isLocked(error)) throw`,
    killers: [unit('runtime/job/job-directory.test.ts', 'is locked until it is closed')],
  },
  {
    name: 'highest-version-told',
    what: 'a segment says the highest version of the values in it: upcasts that are needed may be left out (R5)',
    file: 'runtime/checkpoint/stored-versions.ts',
    find: 'version < lowest) this.#lowest',
    replace: 'version > lowest) this.#lowest',
    killers: [unit('runtime/checkpoint/stored-versions.test.ts', 'is the lowest of each state')],
  },
  {
    name: 'renamed-without-positions',
    what: 'a source that has another uid does not find its enumerator: input is read again (R31)',
    file: 'runtime/job/renamed-uids.ts',
    find: 'enumerators: names(manifest.enumerators)',
    replace: 'enumerators: manifest.enumerators',
    killers: [unit('runtime/job/renamed-uids.test.ts', 'get all that was theirs')],
  },
  {
    name: 'renamed-without-state',
    what: 'the states of an operator that has another uid are not found (R5)',
    file: 'runtime/job/renamed-uids.ts',
    find: 'states: manifest.states.map((state) => ({ ...state, uid: now(state.uid) }))',
    replace: 'states: manifest.states',
    killers: [unit('runtime/job/renamed-uids.test.ts', 'get all that was theirs')],
  },
  {
    name: 'other-input-accepted',
    what: 'a run goes on with another input or output (R5)',
    file: 'runtime/job/restore-checks.ts',
    find: `    ...identityProblems(comparison),
    ...stateProblems(comparison),`,
    replace: '    ...stateProblems(comparison),',
    killers: [unit('runtime/job/restore-checks.test.ts', 'refuses another input or output')],
  },
  {
    name: 'finished-job-runs-on',
    what: 'a run that finds a final checkpoint runs on instead of committing it (R34)',
    file: 'runtime/job/job-run.ts',
    find: "isOver: base.manifest?.kind === 'final'",
    replace: 'isOver: false',
    killers: [
      unit('runtime/job/job-run.test.ts', 'only commits what is pending of a final checkpoint'),
    ],
  },
  {
    name: 'messages-of-old-attempts',
    what: 'a message of an earlier attempt counts (R37)',
    file: 'runtime/job/attempt.ts',
    find: 'if (report.attempt !== this.#options.attempt) return',
    replace: '',
    killers: [unit('runtime/job/attempt.test.ts', 'ignores messages of an earlier attempt')],
  },
  {
    name: 'restarts-for-ever',
    what: 'a failure that comes back at one place is restarted for ever (R38)',
    file: 'runtime/job/failure-judge.ts',
    find: 'if (count < MAX_SAME_FAILURES) return { restart: true, error }',
    replace: 'if (count > 0) return { restart: true, error }',
    killers: [unit('runtime/job/failure-judge.test.ts', '(R38)')],
  },
  {
    name: 'finished-split-forgotten',
    what: 'a split that was read to its end is in no checkpoint any more (R31)',
    file: 'connectors/finished-splits.ts',
    find: 'return this.#splits.map((entry) => entry.split)',
    replace: 'return []',
    killers: [unit('connectors/file-source.test.ts', 'keeps a finished split until')],
  },
  {
    name: 'value-read-again',
    what: 'a reader of a collection begins a value before where the checkpoint left it (R31)',
    file: 'connectors/collection-source.ts',
    find: 'index: this.#index, isRestored: true }]',
    // Behind each value there is a pause.
    replace: 'index: Math.max(0, this.#index - 2), isRestored: true }]',
    killers: [
      unit('operators/interval-join.test.ts', 'joins every pair once through crashes'),
      unit('operators/window/window-join.test.ts', 'join every pair once through crashes'),
    ],
  },
  {
    name: 'other-key-groups',
    what: 'of a segment more is read back than the manifest names (R28)',
    file: 'runtime/checkpoint/segment-reader.ts',
    find: 'const first = Math.max(range.first, named.first)',
    replace: 'const first = Math.min(range.first, named.first)',
    killers: [
      unit('runtime/checkpoint/segments.test.ts', 'read only the key groups of the reference'),
    ],
  },
  {
    name: 'threads-left-behind',
    what: 'a new attempt starts while threads of the old one go on (R37)',
    file: 'runtime/job/attempt.ts',
    find: 'await this.#destroy(launched)',
    replace: 'void this.#destroy(launched).catch(() => {})',
    killers: [unit('runtime/job/attempt.test.ts', 'fails for good when a thread does not end')],
  },
  {
    name: 'manifest-taken-down',
    what: 'who cannot publish a checkpoint takes down the manifest of who is about to (R26)',
    file: 'runtime/checkpoint/manifest-file.ts',
    find: 'if (isOwn) {',
    replace: 'if (isOwn || folder !== undefined) {',
    killers: [
      unit(
        'runtime/checkpoint/file-storage.test.ts',
        'a checkpoint is published once, whoever is faster',
      ),
    ],
  },
  {
    name: 'unsynced-is-damage',
    what: 'a folder that cannot be synced is taken for a damaged checkpoint, which is gone back behind (R3)',
    file: 'runtime/checkpoint/manifest-file.ts',
    find: "throw storageFailure(error, { path: folder, what: 'A checkpoint', verb: 'made durable' })",
    replace: 'throw error',
    killers: [
      unit(
        'runtime/checkpoint/file-storage.test.ts',
        'does not take a folder that cannot be synced',
      ),
    ],
  },
  {
    name: 'torn-manifest-published',
    what: 'a manifest of which half has been written is published where the disk is full (R26)',
    file: 'runtime/checkpoint/manifest-file.ts',
    find: 'await writer.write(encoded)',
    replace: 'await writer.write(encoded).catch(() => {})',
    killers: [
      unit('runtime/checkpoint/file-storage.test.ts', 'publishing tells the file and the way out'),
    ],
  },
  {
    name: 'busy-storage-ends-the-job',
    what: 'a storage that does not answer once between two attempts ends the job (R38)',
    file: 'runtime/job/job-run.ts',
    find: 'if (attempt === 1 || !(error instanceof RestartableError)) throw error',
    replace: 'if (attempt > 0 || !(error instanceof RestartableError)) throw error',
    killers: [unit('runtime/job/job-run.test.ts', 'tries again when the storage does not answer')],
  },
  {
    name: 'stop-without-its-savepoint',
    what: 'a stop between two attempts ends the run without the savepoint that it is to leave (R14)',
    file: 'runtime/job/job-run.ts',
    find: 'if (this.#isStopping && !this.#isSavepointWanted)',
    replace: 'if (this.#isStopping)',
    killers: [unit('runtime/job/job-run.test.ts', 'takes one more attempt for the savepoint')],
  },
]
