/** An object as a listing or a look tells of it. */
export interface StoredObject {
  readonly key: string
  readonly bytes: number
  /** Changes with the content; compare it with others of the same object only. */
  readonly etag: string
  /** Milliseconds since the epoch, by the clock of the store. */
  readonly modifiedAt: number
}

/** An object with what was said of it when it was written. */
export interface ObjectHead extends StoredObject {
  /** Names are in lower case. */
  readonly metadata: Readonly<Record<string, string>>
}

/** On what a write depends. */
export type WriteCondition =
  /** There is no object with that key. */
  | { readonly ifAbsent: true }
  /** The object has this etag. */
  | { readonly ifEtag: string }

/** What goes with an object. */
export interface WriteOptions {
  /** Default: none; an object that is there is replaced. */
  readonly condition?: WriteCondition
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** A part of an upload that is there. */
export interface UploadedPart {
  /** From 1; holes are allowed. */
  readonly partNumber: number
  readonly etag: string
}

/** An upload that is open. */
export interface OpenUpload {
  readonly key: string
  readonly uploadId: string
}

/**
 * Objects under keys, as S3 has them: written whole, visible and durable when the call returns, and from then on for everybody.
 *
 * All calls are tried again by themselves while that may help. What cannot be done fails with a coded error that says so; the errors
 * below are for the caller to deal with.
 */
export interface ObjectStore {
  /**
   * Writes an object and returns its etag. Where the condition does not hold it fails with `WriteConflict`, and has changed
   * nothing; never because of an earlier try of its own whose answer was lost.
   */
  put(key: string, body: Uint8Array, options?: WriteOptions): Promise<string>
  /** A whole object; undefined where there is none. */
  get(key: string): Promise<{ readonly body: Uint8Array; readonly etag: string } | undefined>
  /** As many bytes as there are, up to `length`; undefined where there is no such object. */
  read(key: string, offset: number, length: number): Promise<Uint8Array | undefined>
  head(key: string): Promise<ObjectHead | undefined>
  /** All objects whose keys begin with `prefix` and lie behind `after`, sorted by the bytes of their keys. */
  list(prefix: string, after?: string): AsyncIterable<StoredObject>
  /**
   * The objects that have no `/` behind `prefix`, and of all other keys with it what follows up to the next `/`, each once: names of folders.
   * Both sorted; what is further down is not gone through.
   */
  listLevel(prefix: string): Promise<ObjectLevel>
  /** Removes objects; those that are not there are no failure. */
  delete(keys: readonly string[]): Promise<void>

  /** Begins an upload of an object in parts; nothing of it is visible before `completeUpload`. */
  createUpload(key: string, options?: Omit<WriteOptions, 'condition'>): Promise<string>
  /**
   * Uploads a part of 5 MiB to 5 GiB (the last one may be smaller); one that is there is replaced. Returns its etag. The bytes belong to
   * the store: once they are there it may empty the array.
   */
  uploadPart(upload: OpenUpload, partNumber: number, body: Uint8Array): Promise<string>
  /**
   * Makes an object of the parts. Fails with `UploadGone` where there is no such upload: it was aborted, or completed before,
   * perhaps by a try of this very call; the object under the key tells.
   */
  completeUpload(upload: OpenUpload, parts: readonly UploadedPart[]): Promise<void>
  /** Ends an upload and removes its parts; one that is not there is no failure. */
  abortUpload(upload: OpenUpload): Promise<void>
  /** Uploads that are open under keys that begin with `prefix`. Not all stores tell of all: nothing may depend on it. */
  listUploads(prefix: string): Promise<readonly OpenUpload[]>
  close(): void
}

/** What is directly below a prefix. */
export interface ObjectLevel {
  readonly objects: readonly StoredObject[]
  readonly folders: readonly string[]
}

/** The condition of a write does not hold. */
export class WriteConflict extends Error {
  readonly key: string

  constructor(key: string) {
    super(`the condition for writing ${key} does not hold`)
    this.name = 'WriteConflict'
    this.key = key
  }
}

/** An upload is not there (any more). */
export class UploadGone extends Error {
  readonly key: string

  constructor(key: string) {
    super(`there is no such upload of ${key}`)
    this.name = 'UploadGone'
    this.key = key
  }
}
