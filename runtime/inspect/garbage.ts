/** A file that no checkpoint names. */
export interface GarbageFile {
  /** Absolute, or `s3://…`. */
  readonly path: string
  readonly bytes: number
}

/** What a collection came to. */
export interface Garbage {
  /** A run holds the lock: nothing was removed, it removes what is left over itself, and some of this may be in use. */
  readonly isRunning: boolean
  readonly isRemoved: boolean
  readonly files: readonly GarbageFile[]
  /** Lineages that were left alone, each with the reason: which files a damaged manifest names is not known. */
  readonly skipped: readonly string[]
  /** Of long objects in S3, which were begun and not ended. */
  readonly uploads: number
  /** In S3, where nothing was removed: who has run the job last, and may do so still. */
  readonly holder: string | undefined
}
