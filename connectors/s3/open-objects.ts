import type { Cancel, Clock } from '../../runtime/clock.ts'
import type { FileEncoder } from '../format.ts'
import type { Compress } from '../compression.ts'
import { limitWithin } from './limit-within.ts'
import { ObjectUpload, type UploadOptions } from './object-upload.ts'
import { keyTooLong } from './s3-output-errors.ts'

const MAX_KEY_BYTES = 1_024

/** So many bytes of records are encoded at a cut that are encoded again later, in all objects together: some 0.1 s. */
const AGAIN_BYTES = 2 * 1024 * 1024

/** One kind of objects: where they lie, and how they are made. */
export interface ObjectKind<T> {
  /** What their keys begin with: with a slash at its end, or empty. */
  readonly prefix: string
  readonly suffix: string
  readonly createEncoder: () => FileEncoder<T>
  readonly compress: Compress | undefined
}

/** What all objects of a writer have in common. */
export interface ObjectsOptions {
  readonly clock: Clock
  readonly rollBytes: number
  readonly rollIntervalMs: number
  readonly upload: Omit<UploadOptions, 'compress'>
  /** The name of the next object, without folders. */
  readonly nextName: (suffix: string) => string
  readonly token: () => string
  readonly onBegun: (upload: ObjectUpload) => void
  readonly onEnded: (upload: ObjectUpload, isEmpty: boolean) => void
}

/** An object that goes on over a cut, with what ends it if it does not. */
export interface GoingObject {
  readonly upload: ObjectUpload
  readonly closing: Uint8Array
}

interface OpenObject<T> {
  readonly encoder: FileEncoder<T>
  readonly upload: ObjectUpload
  readonly beganAtMs: number
  records: number
}

/** The objects of one kind that take records, one a folder; each is ended by its size, its age, or from outside. */
export class OpenObjects<T> {
  readonly #kind: ObjectKind<T>
  readonly #options: ObjectsOptions
  /** By folder, the oldest first. */
  readonly #open: Map<string, OpenObject<T>> = new Map()
  #cancelAgeing: Cancel | undefined

  constructor(kind: ObjectKind<T>, options: ObjectsOptions) {
    this.#kind = kind
    this.#options = options
  }

  /** Adds a record to the object of a folder; throws a coded error for one that the format cannot hold, and has not added it then. */
  add(folder: string, value: T): void {
    const open = this.#open.get(folder) ?? this.#begin(folder)
    const { encoder, upload } = open
    const { flow } = this.#options.upload
    const heldBefore = encoder.heldBytes
    encoder.add(value)
    open.records++
    flow.heldBytes += encoder.heldBytes - heldBefore
    if (encoder.isFull) upload.append(this.#encoded(open, () => encoder.take()))
    if (upload.bytes + encoder.heldBytes >= this.#options.rollBytes) this.#end(folder, open)
  }

  endAll(): void {
    for (const [folder, open] of this.#open) this.#end(folder, open)
    this.stopAgeing()
  }

  /** At a cut: lets objects go on as long as what the checkpoint must hold of them is no more than that, and ends the others. */
  goOn(maxHeldBytes: number): readonly GoingObject[] {
    const going: GoingObject[] = []
    let held = 0
    const sizes = [...this.#open.values()].map(({ encoder }) => encoder.heldBytes)
    const maxAgainBytes = limitWithin(sizes, AGAIN_BYTES)
    for (const [folder, open] of this.#open) {
      const { encoder, upload, records } = open
      if (records === 0) {
        this.#end(folder, open)
        continue
      }
      const { bytes, closing } = this.#encoded(open, () => encoder.cut(maxAgainBytes))
      if (bytes.byteLength > 0) upload.append(bytes)
      const holds = upload.mayHoldBytes + closing.byteLength
      if (held + holds > maxHeldBytes) {
        this.#endWith(folder, open, closing)
        continue
      }
      held += holds
      going.push({ upload, closing })
    }
    return going
  }

  /** Ends the object that holds most bytes; false where none is open. */
  endLargest(): boolean {
    let found: string | undefined
    let most = -1
    for (const [folder, { encoder, upload }] of this.#open) {
      const bytes = encoder.heldBytes + upload.heldBytes
      if (bytes > most) [found, most] = [folder, bytes]
    }
    if (found === undefined) return false
    this.#end(found, this.#open.get(found)!)
    return true
  }

  stopAgeing(): void {
    this.#cancelAgeing?.()
    this.#cancelAgeing = undefined
  }

  #begin(folder: string): OpenObject<T> {
    const { prefix, suffix, compress, createEncoder } = this.#kind
    const { clock, nextName, token, upload: options, onBegun } = this.#options
    const key = prefix + folder + nextName(suffix)
    const keyBytes = Buffer.byteLength(key)
    if (keyBytes > MAX_KEY_BYTES) throw keyTooLong(key, keyBytes)
    const upload = new ObjectUpload(key, token(), { ...options, compress })
    const encoder = createEncoder()
    options.flow.heldBytes += encoder.heldBytes
    const open: OpenObject<T> = { encoder, upload, beganAtMs: clock.elapsed(), records: 0 }
    this.#open.set(folder, open)
    onBegun(upload)
    if (this.#cancelAgeing === undefined) this.#startAgeing(this.#options.rollIntervalMs)
    return open
  }

  #end(folder: string, open: OpenObject<T>): void {
    const { encoder, upload, records } = open
    if (records > 0) {
      const last = this.#encoded(open, () => encoder.end())
      this.#endWith(folder, open, last)
      return
    }
    this.#open.delete(folder)
    this.#options.upload.flow.heldBytes -= encoder.heldBytes
    this.#options.onEnded(upload, true)
  }

  #endWith(folder: string, { encoder, upload }: OpenObject<T>, last: Uint8Array): void {
    this.#open.delete(folder)
    this.#options.upload.flow.heldBytes -= encoder.heldBytes
    upload.append(last)
    upload.end()
    this.#options.onEnded(upload, false)
  }

  /** What an encoder hands out; what it holds then is counted anew. */
  #encoded<R>({ encoder }: OpenObject<T>, take: () => R): R {
    const { flow } = this.#options.upload
    flow.heldBytes -= encoder.heldBytes
    const encoded = take()
    flow.heldBytes += encoder.heldBytes
    return encoded
  }

  #startAgeing(delayMs: number): void {
    const { clock } = this.#options
    this.#cancelAgeing = clock.schedule(delayMs, () => this.#age())
  }

  #age(): void {
    const { clock, rollIntervalMs } = this.#options
    this.#cancelAgeing = undefined
    for (const [folder, open] of this.#open) {
      const left = open.beganAtMs + rollIntervalMs - clock.elapsed()
      if (left > 0) return this.#startAgeing(left)
      this.#end(folder, open)
    }
  }
}
