import { type Mutant, unit } from './mutant.ts'

const sink = (title: string) => unit('connectors/s3/s3-sink.test.ts', title)
const snapshot = (title: string) => unit('runtime/task/subtask-snapshot.test.ts', title)
const table = (title: string) => unit('connectors/s3/table-partitions.test.ts', title)
const spanning = (title: string) => unit('connectors/s3/spanning.test.ts', title)

/** Objects of S3 that are named, completed, ended or taken back wrongly. */
export const S3_SINK: readonly Mutant[] = [
  {
    name: 's3-names',
    what: 'objects of an attempt are named as if it had not gone on from a checkpoint (R1)',
    file: 'connectors/s3/s3-writer.ts',
    find: 'context.restoredCheckpointId + 1',
    replace: '1',
    killers: [
      sink('names what begins before the first cut'),
      sink('takes back what was committed'),
    ],
  },
  {
    name: 's3-pending-uploads',
    what: 'uploads that the checkpoint counts on are ended with the others (R33)',
    file: 'connectors/s3/s3-output.ts',
    find: ' || needed.has(upload.uploadId)',
    replace: '',
    killers: [sink('ends its uploads of attempts that are over')],
  },
  {
    name: 's3-going-lost',
    what: 'nobody ends the objects that went on over a checkpoint when the attempt ended (R33)',
    file: 'connectors/s3/s3-writer.ts',
    find: 'goingParts(restored)',
    replace: 'goingParts([])',
    killers: [spanning('are ended by the attempt that follows')],
  },
  {
    name: 's3-not-cut-back',
    what: 'an object that has more than the checkpoint that the job goes back to is left as it is (R3)',
    file: 'connectors/s3/s3-output.ts',
    find: 'await cutObject(store, part)',
    replace: 'void part',
    killers: [spanning('are cut back to the checkpoint')],
  },
  {
    name: 's3-longer-object',
    what: 'a longer object is taken for one that a try of the same commit has made (R33)',
    file: 'connectors/s3/s3-committer.ts',
    find: ' && there.bytes === bytes',
    replace: '',
    killers: [spanning('are not taken for committed')],
  },
  {
    name: 's3-end-of-input',
    what: 'objects go on at the end of input, when nothing follows (R34)',
    file: 'connectors/s3/s3-writer.ts',
    find: 'spansCheckpoints && !isLast',
    replace: 'spansCheckpoints',
    killers: [spanning('end when the input does')],
  },
  {
    name: 's3-late-cut',
    what: 'records that follow a cut at once are in its checkpoint (R33)',
    file: 'connectors/s3/object-upload.ts',
    find: 'isAtOnce ? take() : ',
    replace: '',
    killers: [spanning('are cut at once')],
  },
  {
    name: 's3-stop',
    what: 'sinks are not told that nothing follows a stop, so open objects stay unseen (R14)',
    file: 'runtime/task/subtask-snapshot.ts',
    find: " || barrier.kind === 'stop'",
    replace: '',
    killers: [snapshot('tells sinks whether a record follows')],
  },
  {
    name: 's3-table-unheard',
    what: 'a commit counts as done though Glue has not taken its partitions (R33)',
    file: 'connectors/s3/s3-committer.ts',
    find: 'await this.#table?.addOf(parts.map(({ key }) => key))',
    replace: 'await this.#table?.addOf(parts.map(({ key }) => key)).catch(() => {})',
    killers: [table('fails a commit that it does not hear of')],
  },
  {
    name: 's3-table-going',
    what: 'the partition of an object that was completed, and then cut back, is never added',
    file: 'connectors/s3/s3-committer.ts',
    find: 'await this.#table?.addOf(parts.map(({ key }) => key))',
    replace: `await this.#table?.addOf(parts.filter((part) => !('tail' in part)).map(({ key }) => key))`,
    killers: [table('has the partition of an object that was complete')],
  },
]
