import { json } from '../../../connectors/json-format.ts'
import { s3SinkOn } from '../../../connectors/s3/s3-sink.ts'
import type { S3SinkOptions } from '../../../connectors/s3/s3-sink-options.ts'
import type { ObjectStore } from '../../../runtime/object-store.ts'
import type { OutputPolicy, PrepareOutputContext, Sink } from '../../../runtime/sink.ts'
import { LINEAGE, SinkRun, type SinkRunOptions } from '../../contract/sink-run.ts'
import { MemoryBucket } from './memory-bucket.ts'

export const MIB = 1024 * 1024
/** Where the sinks of these tests write. */
export const path = 's3://lake/clicks'
/** Another lineage. */
export const OTHER = 'b'.repeat(16)

/** All lines of all objects. */
export function rowsIn(bucket: MemoryBucket): string[] {
  return bucket.keys.flatMap((key) => bucket.text(key).split('\n').slice(0, -1))
}

/** What a test says of its sink. */
export type Options<T> = Partial<S3SinkOptions<T>>

/** A sink into a bucket. */
export function makeSink<T = unknown>(bucket: MemoryBucket, options: Options<T> = {}) {
  return s3SinkOn<T>(() => bucket.store(), { path, format: json<T>(), ...options })
}

/** One attempt of a sink, with its bucket. */
export function start<T = unknown>(
  options: Options<T> = {},
  run: SinkRunOptions = {},
  bucket = new MemoryBucket(),
) {
  return { bucket, run: new SinkRun<T>(makeSink<T>(bucket, options) as Sink<T>, run) }
}

/** What a job does before it begins; the lines that are told. */
export async function prepare(
  bucket: MemoryBucket,
  options: Partial<PrepareOutputContext> & { readonly policy?: OutputPolicy } = {},
): Promise<string[]> {
  const logs: string[] = []
  const sink = makeSink(bucket)
  const context: PrepareOutputContext = {
    uid: 'lake',
    current: { lineage: LINEAGE, checkpointId: 0 },
    ancestry: [],
    policy: 'refuse',
    pending: [],
    log: (line) => logs.push(line),
    ...options,
  }
  await sink.checkOutput!(context)
  await sink.prepareOutput!(context)
  return logs
}

/** The name of a part. */
export const name = (checkpointId: number, n: number, suffix = '.jsonl', subtask = 0) =>
  `part-${LINEAGE}-${checkpointId}-${subtask}-${n}${suffix}`

/** The methods of a store, of which a test may replace some. */
export function methodsOf(store: ObjectStore): ObjectStore {
  return {
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    read: (...args) => store.read(...args),
    head: (...args) => store.head(...args),
    list: (...args) => store.list(...args),
    listLevel: (...args) => store.listLevel(...args),
    delete: (...args) => store.delete(...args),
    createUpload: (...args) => store.createUpload(...args),
    uploadPart: (...args) => store.uploadPart(...args),
    completeUpload: (...args) => store.completeUpload(...args),
    abortUpload: (...args) => store.abortUpload(...args),
    listUploads: (...args) => store.listUploads(...args),
    close: () => store.close(),
  }
}
