/** Turns records into the bytes of a file, one after another. */
export interface WriteFormat<T> {
  /** Ending of the files, such as `.jsonl`. */
  readonly suffix: string
  /** What each file begins with, with its line end, such as the names of columns. Default: nothing. */
  readonly header?: string
  /** One record as text, with its line end. Throws a coded error for what the format cannot hold. */
  encode(value: T): string
}
