import { randomUUID } from 'node:crypto'
import { AwsClient, loadAwsService } from '../../runtime/aws/aws-client.ts'
import { checkAwsConnection } from '../../runtime/aws/aws-connection.ts'
import { S3, S3Store } from '../../runtime/aws/s3-store.ts'
import { SystemClock, SystemRandom } from '../../runtime/clock.ts'
import type { ObjectStore } from '../../runtime/object-store.ts'
import type { PrepareOutputContext, Sink, SinkContext } from '../../runtime/sink.ts'
import { GLUE, GlueCatalog } from './glue-catalog.ts'
import { S3Committer } from './s3-committer.ts'
import { checkS3Output, type OutputFates, prepareS3Output } from './s3-output.ts'
import type { S3Part, SubtaskOutput } from './s3-part.ts'
import { type CheckedS3Sink, checkS3SinkOptions, type S3SinkOptions } from './s3-sink-options.ts'
import { S3Writer } from './s3-writer.ts'
import type { TableCatalog } from './table-catalog.ts'
import { TablePartitions } from './table-partitions.ts'

/** Makes the objects of the bucket of a sink, for the operator of this name; nothing is asked for yet. */
export type MakeStore = (operator: string) => ObjectStore

/** The same of the catalogue with the table of a sink. */
export type MakeCatalog = (operator: string) => TableCatalog

/**
 * Writes records into objects of S3, exactly once. Needs the package `@aws-sdk/client-s3`.
 *
 * Objects lie below the prefix as `<partitions>/part-<lineage>-<checkpoint>-<subtask>-<n>.jsonl`, partitions as Hive, Athena and
 * DuckDB read them. Every checkpoint ends the objects that are open, so there are one or more a checkpoint, partition and subtask; an
 * object that reaches `rollSize` or `rollInterval` before is ended sooner. With `spansCheckpoints` these two alone decide how large
 * objects get, and how soon records are seen. There is nothing below the prefix that is not committed, and all of an object, or nothing.
 *
 * How: what is written is encoded and collected, and uploaded in parts of 5 MiB while an object grows. At the barrier all is uploaded
 * but small objects (64 KiB each, 1 MiB a subtask), which go into the checkpoint: one request later instead of three. The checkpoint
 * knows upload ids and parts, so nothing is asked of S3 after a crash. Once it is complete, uploads are completed and small objects
 * written. Where the answer is lost it is done again: writing the same bytes under the same key changes nothing, and an upload that is
 * gone was completed if the object under its key has its token in its metadata. The `<checkpoint>` of a name is known when the object
 * begins, since parts are uploaded under it: the first one after the last cut, usually the one that commits it. Of an object that goes on
 * the checkpoint knows besides what is in no part yet, and what ends it there (of Parquet, the last rows and the footer); the next attempt
 * ends it, and one that goes back to before its end cuts it.
 *
 * Objects must stay where they are until a checkpoint that began after they appeared has completed, and those that a savepoint was
 * the first to have while it may be started from. An upload that a crash leaves open is ended at the next start; give the bucket a
 * rule that ends uploads after some days besides, longer than a job may stand still. Each start lists the prefix, with a request for
 * 1,000 objects. Objects of another run below the prefix are an error, unless `--output replace` or `--output keep` is given; when a job
 * has to go back to an older checkpoint, objects of later ones are removed first.
 *
 * With `glue` the partitions of a checkpoint are added to a table of the Glue catalogue once their objects are there; until that is done
 * the checkpoint counts as not committed.
 *
 * Memory: up to 64 MiB a subtask in open objects, then the largest is ended; 20 MiB on their way. A record that cannot be written
 * stops the job unless `onError` says otherwise. Errors: `MR_SINK_INVALID` for options, `MR_OUTPUT_CONFLICT`, `MR_OUTPUT_FAILED`,
 * `MR_VALUE_UNSUPPORTED`, `MR_TABLE_MISMATCH`, and those of AWS.
 *
 * @example
 * clicks.sinkTo(
 *   s3Sink({
 *     path: 's3://lake/clicks',
 *     format: json<Click>(),
 *     compression: 'gzip',
 *     partitions: { dt: eventTime('day'), country: (click) => click.country },
 *   }),
 *   { uid: 'lake' },
 * )
 */
export function s3Sink<T>(options: S3SinkOptions<T>): Sink<T> {
  const checked = checkS3SinkOptions(options)
  const connection = checkAwsConnection(options, 's3Sink()', 'MR_SINK_INVALID')
  loadAwsService(S3, 's3Sink()')
  const { place, settings } = checked
  const [clock, random] = [new SystemClock(), new SystemRandom()]
  const from = 's3Sink()'
  const common = {
    bucket: place.bucket,
    connection,
    clock,
    random,
    from,
    settings: { ...settings },
  }
  const { glue } = checked
  const makeCatalog: MakeCatalog | undefined =
    glue &&
    ((operator) => {
      const { connection } = glue
      const from = 'glue of s3Sink()'
      const client = { service: GLUE, connection, clock, random, operator, from }
      return new GlueCatalog(new AwsClient(client), glue)
    })
  return sinkOn((operator) => new S3Store({ ...common, operator }), checked, makeCatalog)
}

/** As `s3Sink`, on other objects, and another catalogue. */
export function s3SinkOn<T>(
  makeStore: MakeStore,
  options: S3SinkOptions<T>,
  makeCatalog?: MakeCatalog,
): Sink<T, S3Part> {
  return sinkOn(makeStore, checkS3SinkOptions(options), makeCatalog)
}

function sinkOn<T>(
  makeStore: MakeStore,
  { place, writer, partitions }: CheckedS3Sink<T>,
  makeCatalog: MakeCatalog | undefined,
): Sink<T, S3Part> {
  const { url, objects, onError } = writer
  const { bucket } = place
  const { prefix } = objects
  const tableFor = ({ uid }: { readonly uid: string }): TablePartitions | undefined =>
    makeCatalog && new TablePartitions(() => makeCatalog(uid), { bucket, prefix, partitions })
  const errors = typeof onError === 'object' ? [onError.prefix] : []
  const output = { url, prefixes: [objects.prefix, ...errors] }
  const urlOf = (key: string) => `s3://${bucket}/${key}`
  // The writer and the committer of a subtask have one context.
  const known: WeakMap<SinkContext, SubtaskOutput> = new WeakMap()
  const sharedIn = (context: SinkContext): SubtaskOutput => {
    const shared = known.get(context) ?? {
      store: makeStore(context.uid),
      staged: new Set(),
      restored: [],
    }
    known.set(context, shared)
    return shared
  }
  const using = async (
    context: PrepareOutputContext,
    work: (store: ObjectStore) => Promise<void>,
  ): Promise<void> => {
    const store = makeStore(context.uid)
    try {
      await work(store)
    } finally {
      store.close()
    }
  }
  // What a check has found is of use to the preparation that follows it, and to nothing else. By uid.
  const found: Map<string, OutputFates> = new Map()
  return {
    kind: 's3',
    guarantee: 'exactly-once',
    identity: { url },
    canTakeBack: true,
    checkOutput: (context) =>
      using(context, async (store) => {
        found.delete(context.uid)
        found.set(context.uid, await checkS3Output(store, output, context))
        const table = tableFor(context)
        try {
          await table?.check()
        } finally {
          table?.close()
        }
      }),
    prepareOutput: (context) =>
      using(context, (store) => {
        const checked = found.get(context.uid)
        found.delete(context.uid)
        return prepareS3Output(store, output, context, checked)
      }),
    createWriter: (context) =>
      new S3Writer<T>(context, sharedIn(context), { ...writer, token: randomUUID }),
    createCommitter: (context) =>
      new S3Committer(sharedIn(context), context.uid, urlOf, tableFor(context)),
  }
}
