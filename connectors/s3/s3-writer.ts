import { RestartableError, StreamError, thrownText } from '../../runtime/errors.ts'
import type { SinkContext, SinkWriter } from '../../runtime/sink.ts'
import { finishedName, parseOutputName } from '../part-name.ts'
import { type FailedWrite, failedWrite } from './failed-write.ts'
import { ObjectUpload, type UploadOptions } from './object-upload.ts'
import {
  type GoingObject,
  type ObjectKind,
  OpenObjects,
  type ObjectsOptions,
} from './open-objects.ts'
import { OutputFlow } from './output-flow.ts'
import type { PartitionPaths } from './partitions.ts'
import { RequestSlots } from './request-slots.ts'
import { s3OutputFailed } from './s3-output-errors.ts'
import { goingParts, type S3Part, type SubtaskOutput } from './s3-part.ts'

/** With so much on its way to S3 no more input is taken (R7). */
const MAX_ON_THE_WAY_BYTES = 20 * 1024 * 1024
/** With so much in objects that are open the largest is ended. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
/** So many bytes of small objects a cut may hold in its checkpoint. */
const HELD_IN_CHECKPOINT_BYTES = 1024 * 1024
/** So many bytes of objects that go on a cut may hold in its checkpoint; one object has less than a part. */
const GOING_IN_CHECKPOINT_BYTES = 6 * 1024 * 1024
const REQUESTS_AT_ONCE = 8

/** What a writer does, from `s3Sink()`. */
export interface S3WriterOptions<T> {
  readonly url: string
  readonly objects: ObjectKind<T>
  readonly paths: PartitionPaths<T>
  readonly rollBytes: number
  readonly rollIntervalMs: number
  /** What becomes of records that cannot be written; a kind of objects takes them. */
  readonly onError: 'fail' | 'skip' | ObjectKind<FailedWrite>
  readonly token: () => string
  /** Whether objects go on over checkpoints. */
  readonly spansCheckpoints: boolean
}

/**
 * Writes the records of one subtask into objects, which nobody sees before their checkpoint is published (R33).
 *
 * `write` only encodes. Parts are uploaded in the background; the first failure ends the attempt.
 */
export class S3Writer<T> implements SinkWriter<T, S3Part> {
  readonly #context: SinkContext
  readonly #options: S3WriterOptions<T>
  readonly #flow: OutputFlow
  readonly #upload: Omit<UploadOptions, 'compress'>
  readonly #objects: OpenObjects<T>
  /** Those of records that cannot be written. */
  readonly #failed: OpenObjects<FailedWrite> | undefined
  /** Ended since the last cut. */
  #ended: ObjectUpload[] = []
  /** In no cut yet. */
  readonly #uncut: Set<ObjectUpload> = new Set()
  /** Of objects that an attempt before had begun, perhaps in another subtask. */
  readonly #resumedKeys: Set<string> = new Set()
  /** In a cut, as objects that go on. */
  readonly #going: Set<ObjectUpload> = new Set()
  readonly #shared: SubtaskOutput
  /** The first checkpoint that may hold what begins now, and how many objects have begun for it. */
  #checkpointId: number
  #counter = 0
  #hasFailed = false

  constructor(context: SinkContext, shared: SubtaskOutput, options: S3WriterOptions<T>) {
    this.#context = context
    this.#options = options
    this.#shared = shared
    this.#checkpointId = context.restoredCheckpointId + 1
    this.#flow = new OutputFlow(MAX_ON_THE_WAY_BYTES, () => context.wake())
    const { rollBytes, rollIntervalMs, token, objects, onError } = options
    this.#upload = {
      store: shared.store,
      slots: new RequestSlots(REQUESTS_AT_ONCE),
      flow: this.#flow,
      onFailure: (error) => this.#fail(error),
    }
    const common: ObjectsOptions = {
      clock: context.clock,
      rollBytes,
      rollIntervalMs,
      upload: this.#upload,
      nextName: (suffix) => this.#nextName(suffix),
      token,
      onBegun: (upload) => this.#uncut.add(upload),
      onEnded: (upload, isEmpty) => {
        if (isEmpty) this.#uncut.delete(upload)
        else this.#ended.push(upload)
      },
    }
    this.#objects = new OpenObjects(objects, common)
    this.#failed = typeof onError === 'object' ? new OpenObjects(onError, common) : undefined
  }

  get isReady(): boolean {
    return this.#flow.hasRoom && !this.#hasFailed
  }

  write(value: T, timestamp: number): void {
    try {
      this.#objects.add(this.#options.paths.pathOf(value, timestamp), value)
    } catch (error) {
      this.#refuse(value, timestamp, error)
    }
    while (this.#flow.heldBytes > MAX_HELD_BYTES && this.#objects.endLargest());
  }

  async open(): Promise<void> {
    const { store, restored = [] } = this.#shared
    this.#shared.restored = undefined
    for (const part of goingParts(restored)) {
      // One that is there was completed after this checkpoint, and has been cut back to it.
      if ((await store.head(part.key)) !== undefined) continue
      this.#resumedKeys.add(part.key)
      if (part.uploadId !== undefined) this.#shared.staged.add(part.uploadId)
      const upload = ObjectUpload.resumed(part, {
        ...this.#upload,
        compress: this.#options.objects.compress,
      })
      upload.end()
      this.#ended.push(upload)
    }
  }

  prepareCommit(
    checkpointId: number,
    _baseId: number,
    isLast: boolean,
  ): Promise<readonly S3Part[]> {
    const goesOn = this.#options.spansCheckpoints && !isLast
    const going = goesOn ? this.#objects.goOn(GOING_IN_CHECKPOINT_BYTES) : []
    if (!goesOn) this.#objects.endAll()
    this.#failed?.endAll()
    this.#checkpointId = checkpointId + 1
    this.#counter = 0
    const ended = this.#ended
    this.#ended = []
    for (const upload of ended) {
      this.#uncut.delete(upload)
      this.#going.delete(upload)
    }
    for (const { upload } of going) {
      this.#uncut.delete(upload)
      this.#going.add(upload)
    }
    return this.#finish(ended, going)
  }

  async close(): Promise<void> {
    this.#objects.stopAgeing()
    this.#failed?.stopAgeing()
    // Nobody sees what is in no cut, and the next attempt removes it: so this is not tried where S3 fails, which may take minutes.
    if (this.#hasFailed) return
    await Promise.allSettled([
      ...[...this.#uncut].map((upload) => upload.abort()),
      ...[...this.#going].map((upload) => upload.settled()),
    ])
    await this.#endUnknown().catch(() => {})
  }

  /** Ends uploads that were begun for this subtask by a request whose answer was lost: no id of theirs is in any checkpoint. */
  async #endUnknown(): Promise<void> {
    const { store, staged } = this.#shared
    const { objects, onError } = this.#options
    const { lineage, subtaskIndex, restoredCheckpointId } = this.#context
    const prefixes =
      typeof onError === 'object' ? [objects.prefix, onError.prefix] : [objects.prefix]
    for (const prefix of prefixes) {
      for (const upload of await store.listUploads(prefix)) {
        const found = parseOutputName(upload.key.slice(upload.key.lastIndexOf('/') + 1))
        if (found.state !== 'finished' || staged.has(upload.uploadId)) continue
        const { part } = found
        const isNew = part.subtaskIndex === subtaskIndex && part.checkpointId > restoredCheckpointId
        const isOwn = (part.lineage === lineage && isNew) || this.#resumedKeys.has(upload.key)
        if (isOwn) await store.abortUpload(upload)
      }
    }
  }

  async #finish(
    ended: readonly ObjectUpload[],
    going: readonly GoingObject[],
  ): Promise<readonly S3Part[]> {
    const budget = { bytesLeft: HELD_IN_CHECKPOINT_BYTES }
    try {
      const parts = await Promise.all([
        ...going.map(({ upload, closing }) => upload.going(closing)),
        ...ended.map((upload) => upload.finished(budget)),
      ])
      for (const part of parts) {
        if ('uploadId' in part && part.uploadId !== undefined) {
          this.#shared.staged.add(part.uploadId)
        }
      }
      return parts
    } catch (error) {
      throw this.#fail(error)
    }
  }

  #nextName(suffix: string): string {
    const { lineage, subtaskIndex } = this.#context
    const checkpointId = this.#checkpointId
    return finishedName({ lineage, checkpointId, subtaskIndex, n: this.#counter++, suffix })
  }

  /** Deals with a record that has no place, or that the format cannot hold. */
  #refuse(value: T, timestamp: number, error: unknown): void {
    const { onError } = this.#options
    if (error instanceof RestartableError) throw error
    if (onError === 'fail') throw error instanceof StreamError ? error : functionFailed(error)
    if (this.#failed === undefined) {
      this.#context.count('recordsSkipped')
      return
    }
    this.#context.count('recordsToErrorPrefix')
    this.#failed.add('', failedWrite(value, timestamp, error))
  }

  #fail(error: unknown): StreamError {
    const failure = s3OutputFailed(this.#context.uid, this.#options.url, error)
    if (!this.#hasFailed) {
      this.#hasFailed = true
      this.#context.fail(failure)
    }
    return failure
  }
}

function functionFailed(error: unknown): StreamError {
  return new StreamError(
    'MR_FUNCTION_FAILED',
    `s3Sink(): a function of partitions threw ${thrownText(error)}; the record has no place, and the job stops rather than lose it; mend ` +
      `the function, or set onError.`,
    {},
    error,
  )
}
