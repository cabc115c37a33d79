import { freeBytes, joinBytes } from '../../runtime/free-bytes.ts'
import type { ObjectStore, OpenUpload, UploadedPart } from '../../runtime/object-store.ts'
import type { Compress } from '../compression.ts'
import type { OutputFlow } from './output-flow.ts'
import type { RequestSlots } from './request-slots.ts'
import { type GoingPart, type S3Part, TOKEN_NAME } from './s3-part.ts'

/** The least size of a part that is not the last one. */
export const PART_BYTES: number = 5 * 1024 * 1024
/** The highest number of a part; objects are ended before they need it. */
const LAST_PART = 10_000
/** An object up to this size may be held in the checkpoint. */
export const HELD_BYTES: number = 64 * 1024

/** What an upload stands on. */
export interface UploadOptions {
  readonly store: ObjectStore
  readonly slots: RequestSlots
  readonly flow: OutputFlow
  readonly compress: Compress | undefined
  /** Called at most once an operation, at once: the attempt is to end. */
  readonly onFailure: (error: unknown) => void
}

/** How many bytes of small objects a cut may hold in its checkpoint. */
export interface HeldBudget {
  bytesLeft: number
}

/**
 * The bytes of one object on their way into S3: collected to parts of 5 MiB, which are uploaded while it grows.
 *
 * ```
 *   append ─▶ compressed ─▶ held ──5 MiB──▶ part 1, 2, … ──end──▶ last part ─▶ staged: upload id and parts
 *                             └────────── end, small, no part yet ──────────▶ held: the bytes themselves
 * ```
 */
export class ObjectUpload {
  readonly key: string
  readonly #options: UploadOptions
  readonly #token: string
  #held: Uint8Array[] = []
  /** Of all that was appended, as it lies in the object. */
  bytes = 0
  /** Of these, what is in no part yet. */
  heldBytes = 0
  #compressing = 0
  #work: Promise<void> = Promise.resolve()
  #upload: Promise<OpenUpload> | undefined
  readonly #parts: Promise<UploadedPart>[] = []
  #nextPart = 1

  constructor(key: string, token: string, options: UploadOptions) {
    this.key = key
    this.#token = token
    this.#options = options
  }

  /** Takes over an object of an earlier attempt, to end it. */
  static resumed(part: GoingPart, options: UploadOptions): ObjectUpload {
    const { key, token, uploadId, parts, tail, closing } = part
    const upload = new ObjectUpload(key, token, options)
    if (uploadId !== undefined) upload.#upload = Promise.resolve({ key, uploadId })
    upload.#parts.push(...parts.map((one) => Promise.resolve(one)))
    upload.bytes = part.bytes - tail.byteLength
    // Not the next one: that may have been uploaded by an attempt that has gone on.
    upload.#nextPart = LAST_PART
    // In one piece, as there is one number left.
    upload.#hold(closing === undefined ? tail : Buffer.concat([tail, closing]))
    return upload
  }

  /** As `heldBytes`, with what is being compressed, before that. */
  get mayHoldBytes(): number {
    return this.heldBytes + this.#compressing
  }

  append(chunk: Uint8Array): void {
    const { compress, flow } = this.#options
    if (compress === undefined) {
      this.#hold(chunk)
      return
    }
    const { byteLength } = chunk
    flow.leaves(byteLength)
    this.#compressing += byteLength
    this.#work = this.#work.then(async () => {
      const compressed = await compress(chunk)
      freeBytes(chunk)
      this.#compressing -= byteLength
      flow.arrives(byteLength)
      this.#hold(compressed)
    })
    this.#work.catch(this.#options.onFailure)
  }

  /** Nothing is appended any more: uploads what is held, unless it may go into the checkpoint. */
  end(): void {
    this.#work = this.#work.then(() => {
      if (this.heldBytes > 0 && this.bytes > HELD_BYTES) this.#uploadHeld()
    })
    this.#work.catch(this.#options.onFailure)
  }

  /** After `end`: resolves when all of it is in S3, or to be in the checkpoint. */
  async finished(budget: HeldBudget): Promise<S3Part> {
    await this.#work
    const { key, bytes } = this
    const token = this.#token
    if (this.#upload === undefined && bytes <= budget.bytesLeft) {
      budget.bytesLeft -= bytes
      return { key, bytes, token, body: this.#takeHeld() }
    }
    if (this.heldBytes > 0) this.#uploadHeld()
    const parts = await Promise.all(this.#parts)
    const { uploadId } = await this.#upload!
    return { key, bytes, token, uploadId, parts }
  }

  /** At a cut: resolves with what the checkpoint must know of it, once that is in S3. What is appended later is not in it. */
  async going(closing: Uint8Array): Promise<GoingPart> {
    const take = () => ({
      bytes: this.bytes,
      tail: Buffer.concat(this.#held),
      upload: this.#upload,
      parts: [...this.#parts],
    })
    const isAtOnce = this.#options.compress === undefined
    const taken = isAtOnce ? take() : await this.#work.then(take)
    const { bytes, tail } = taken
    const parts = await Promise.all(taken.parts)
    const uploadId = (await taken.upload)?.uploadId
    const part = { key: this.key, token: this.#token, bytes, uploadId, parts, tail }
    return closing.byteLength === 0 ? part : { ...part, closing }
  }

  /** Resolves when nothing of it is on its way. */
  async settled(): Promise<void> {
    await this.#work
    await Promise.allSettled(this.#parts)
  }

  /** Removes what is in S3 of an object that is in no checkpoint. */
  async abort(): Promise<void> {
    await this.settled()
    const upload = await this.#upload
    if (upload !== undefined) await this.#options.store.abortUpload(upload)
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes)
    this.heldBytes += bytes.byteLength
    this.bytes += bytes.byteLength
    this.#options.flow.heldBytes += bytes.byteLength
    if (this.heldBytes >= PART_BYTES) this.#uploadHeld()
  }

  #takeHeld(): Uint8Array {
    const body = joinBytes(this.#held)
    this.#options.flow.heldBytes -= this.heldBytes
    this.#held = []
    this.heldBytes = 0
    return body
  }

  #uploadHeld(): void {
    const { store, slots, flow, onFailure } = this.#options
    const body = this.#takeHeld()
    const partNumber = this.#nextPart++
    // The store may empty the array.
    const { byteLength } = body
    flow.leaves(byteLength)
    const upload = (this.#upload ??= this.#begin())
    const part = upload
      .then((one) => slots.run(() => store.uploadPart(one, partNumber, body)))
      .then((etag) => {
        flow.arrives(byteLength)
        return { partNumber, etag }
      })
    part.catch(onFailure)
    this.#parts.push(part)
  }

  async #begin(): Promise<OpenUpload> {
    const { store, slots } = this.#options
    const { key } = this
    const metadata = { [TOKEN_NAME]: this.#token }
    const uploadId = await slots.run(() => store.createUpload(key, { metadata }))
    return { key, uploadId }
  }
}
