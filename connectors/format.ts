/** Turns records into the bytes of a file, one after another. */
export interface WriteFormat<T> {
  /** Ending of the files, such as `.jsonl`. */
  readonly suffix: string
  /** One record as text, with its line end. Throws a coded error for what the format cannot hold. */
  encode(value: T): string
}
