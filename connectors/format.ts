/** Turns records into the bytes of a file, one after another. */
export interface WriteFormat<T> {
  /** Ending of the files, such as `.jsonl`. */
  readonly suffix: string
  /** What each file begins with, with its line end, such as the names of columns. Default: nothing. */
  readonly header?: string
  /** One record as text, with its line end. Throws a coded error for what the format cannot hold. */
  encode(value: T): string
}

/** A format whose files are more than their records one after another, such as Parquet. */
export interface FileFormat<T> {
  /** Ending of the files, such as `.parquet`. */
  readonly suffix: string
  /** Begins a file. */
  createEncoder(): FileEncoder<T>
}

/** Turns the records of one file into its bytes, block by block. */
export interface FileEncoder<T> {
  /** Takes a record. Throws a coded error for what the format cannot hold; nothing of that record is in the file then. */
  add(value: T): void
  /** How many bytes the records that were not taken yet come to, about. */
  readonly heldBytes: number
  /** Whether a block is complete, so that `take` is due. */
  readonly isFull: boolean
  /** The bytes of all records that were not taken yet, which end a block. */
  take(): Uint8Array
  /** The same, with what the file ends with. Nothing may be added after that. */
  end(): Uint8Array
  /**
   * At a checkpoint that the file goes on over: says how it would end here. Anything may follow, as if there had been no cut. Records may
   * be encoded for the closing alone, and once more later, where they come to no more than `maxAgainBytes` (of `heldBytes`).
   */
  cut(maxAgainBytes: number): FileCut
}

/** A file at a checkpoint: all that was taken so far, these bytes, and its closing are a whole file, of all records that were added. */
export interface FileCut {
  /** What goes into the file now. */
  readonly bytes: Uint8Array
  /** What ends it, if it ends here; where it goes on nothing of this is in it. Empty where a file may end after any block. */
  readonly closing: Uint8Array
}

/** The closing of files that may end after any block. */
export const NO_CLOSING: Uint8Array = new Uint8Array(0)
