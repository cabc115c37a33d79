import { type Mutant, unit } from './mutant.ts'

/** What stands in place of a sync that is left out. */
const NOTHING = 'await Promise.resolve()'

const storage = unit(
  'runtime/checkpoint/durability.test.ts',
  'keeps every promise, wherever it stops',
)
const jobs = unit('simulation/storage-faults.test.ts', 'where the power fails with each')
const record = unit('runtime/job/job-directory.test.ts', 'makes the record durable')
const aside = unit('runtime/job/job-directory.test.ts', 'moves old state aside durably')
const output = unit(
  'connectors/file-sink-crash.test.ts',
  'when the power goes before any operation',
)

/** Every sync that durability demands, left out one at a time (R26, R33). */
export const DURABILITY: readonly Mutant[] = [
  {
    name: 'segment-sync',
    what: 'the bytes of a segment are not synced (R26)',
    file: 'runtime/checkpoint/file-storage-writer.ts',
    find: 'await this.finishContent()',
    replace: 'await this.#guard(() => this.#close())',
    killers: [storage, jobs],
  },
  {
    name: 'segment-name-sync',
    what: 'the name of a segment is not synced (R26)',
    file: 'runtime/checkpoint/file-storage-writer.ts',
    find: 'await this.#guard(() => this.#fs.syncDirectory(dirname(this.#path)))',
    replace: NOTHING,
    killers: [storage],
  },
  {
    name: 'manifest-sync',
    what: 'the bytes of a manifest are not synced before it is published (R26)',
    file: 'runtime/checkpoint/manifest-file.ts',
    find: 'await writer.finishContent()',
    replace: 'await file.close()',
    killers: [storage],
  },
  {
    name: 'manifest-name-sync',
    what: 'a manifest is published, and its name is not synced (R26)',
    file: 'runtime/checkpoint/manifest-file.ts',
    find: `await makeName(fileSystem, aside, path)
    await fileSystem.syncDirectory(folder)`,
    replace: 'await makeName(fileSystem, aside, path)',
    killers: [storage, jobs],
  },
  {
    name: 'resumed-manifest-sync',
    what: 'a manifest that a killed run left visible is gone on from before its name is durable (R26)',
    file: 'runtime/checkpoint/manifest-file.ts',
    find: 'await syncIfWritable(fileSystem, folder)',
    replace: NOTHING,
    killers: [storage],
  },
  {
    name: 'checkpoint-folder-sync',
    what: 'the folder that makes a checkpoint id taken is not synced (R1, R26)',
    file: 'runtime/checkpoint/file-storage.ts',
    find: 'await this.#fs.syncDirectory(this.#directory)',
    replace: NOTHING,
    killers: [storage],
  },
  {
    name: 'withdrawal-sync',
    what: 'the removal of a manifest is not durable when the files go that it names (R26)',
    file: 'runtime/checkpoint/file-storage.ts',
    find: 'await this.#fs.syncDirectory(this.#folder(id))',
    replace: NOTHING,
    killers: [storage],
  },
  {
    name: 'record-sync',
    what: 'the record of the lineages is renamed before its bytes are synced (R26)',
    file: 'runtime/job/job-directory.ts',
    find: 'await file.sync()',
    replace: NOTHING,
    killers: [record],
  },
  {
    name: 'record-name-sync',
    what: 'the new name of the record of the lineages is not synced (R26)',
    file: 'runtime/job/job-directory.ts',
    find: `await fileSystem.rename(aside, path)
      await fileSystem.syncDirectory(this.path)`,
    replace: 'await fileSystem.rename(aside, path)',
    killers: [record],
  },
  {
    name: 'job-folder-sync',
    what: 'the folders of a job are not synced (R26)',
    file: 'runtime/durable-folder.ts',
    find: 'await fileSystem.syncDirectory(parent)',
    replace: NOTHING,
    killers: [record],
  },
  {
    name: 'set-aside-order-sync',
    what: 'checkpoints move aside before it is durable that the record has moved (R26, N23)',
    file: 'runtime/job/job-directory.ts',
    find: `await fileSystem.syncDirectory(target)
        await fileSystem.syncDirectory(this.path)`,
    replace: 'await fileSystem.syncDirectory(target)',
    killers: [aside],
  },
  {
    name: 'set-aside-sync',
    what: 'state is gone from its old place before it is durable in the new one (R26, N23)',
    file: 'runtime/job/job-directory.ts',
    find: 'await fileSystem.syncDirectory(target)',
    replace: NOTHING,
    killers: [aside],
  },
  {
    name: 'part-sync',
    what: 'the bytes of a pending file are not synced before its acknowledgement (R33)',
    file: 'connectors/file-sink-writer.ts',
    find: 'await file.sync()',
    replace: NOTHING,
    killers: [output],
  },
  {
    name: 'pending-name-sync',
    what: 'the names of pending files are not synced before their acknowledgement (R33)',
    file: 'connectors/file-sink-writer.ts',
    find: 'await fileSystem.syncDirectory(directory)',
    replace: NOTHING,
    killers: [output],
  },
  {
    name: 'finished-name-sync',
    what: 'the directory is not synced after pending files got their finished names (R26)',
    file: 'connectors/file-sink-committer.ts',
    find: 'await this.#fileSystem.syncDirectory(this.#directory)',
    replace: NOTHING,
    killers: [output],
  },
  {
    name: 'taken-back-sync',
    what: 'output that was taken back is not gone for good before more is written (R3, R26)',
    file: 'connectors/file-output.ts',
    find: 'await fileSystem.syncDirectory(directory)',
    replace: NOTHING,
    killers: [output],
  },
  {
    name: 'output-folder-sync',
    what: 'the output directory itself is not synced (R26)',
    file: 'connectors/file-output.ts',
    find: 'const synced = fileSystem.syncDirectory(parent)',
    replace: 'const synced = Promise.resolve()',
    killers: [output],
  },
]
