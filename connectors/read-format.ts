/**
 * How the bytes of a file become records: a factory of one decoder for each file.
 *
 * A format holds configuration only, so that every thread can make the same one from the job module.
 */
export interface ReadFormat<T> {
  /** True when the first record of a file names its columns, so that an empty file cannot be read. */
  readonly hasHeader: boolean
  /** Only for type inference of the source; never set. */
  readonly _type?: T
  /** A decoder for one file, from the start or, with `offset`, in the middle of it. */
  createDecoder(start: DecoderStart): RecordDecoder<T>
}

/** Where a decoder begins. `offset`, `line` and `header` are what the earlier decoder said between two records. */
export interface DecoderStart {
  /** Name of the input for error messages, such as its path. */
  readonly where: string
  /** Bytes (uncompressed) before the first byte that will be pushed. Default 0. */
  readonly offset?: number
  /** Line of the first byte that will be pushed, from 1. Default 1. */
  readonly line?: number
  /** The columns of the header that was read before. Default: none, the header is still to come. */
  readonly header?: readonly string[] | undefined
}

/** Why a record cannot be read, without its place. */
export interface BadRow {
  /** What is wrong, as the end of the sentence "column "amt" …" or "the record …". */
  readonly problem: string
  readonly column?: string
  /** The offending value as it stands in the input. */
  readonly value?: string
}

/**
 * Turns pushed bytes into records, which are then pulled one after another; all synchronous.
 *
 * ```ts
 * decoder.push(chunk) // or decoder.end() once, after the last chunk
 * while (decoder.next()) use(decoder.value)
 * ```
 *
 * Push again only after `next()` has returned false. Chunks may be cut anywhere, in a character or a quoted field too. A
 * header without a wanted column, and a record longer than 4 MiB, throw `MR_BAD_RECORD` at once: nothing can go on.
 */
export interface RecordDecoder<T> {
  /** Takes bytes; parses all records that are complete with them. Keeps no reference to the chunk. */
  push(chunk: Uint8Array): void
  /** No bytes follow: what is left is the last record. */
  end(): void
  /** Moves to the next record, good or bad; false when there is none without more bytes. */
  next(): boolean
  /** The current record; without meaning where `bad` is set. */
  readonly value: T
  /** Why the current record cannot be read; undefined for a good one. */
  readonly bad: BadRow | undefined
  /** Byte offset (uncompressed) of the next record: the position to resume at. */
  readonly offset: number
  /** Line of the next record, from 1. Counts line ends since the last line asked for. */
  readonly line: number
  /** Byte offset of the current record. */
  readonly recordOffset: number
  /** Line on which the current record begins, from 1. */
  readonly recordLine: number
  /** The current record as it stands in the input, without its line end. */
  readonly rawRecord: string
  /** Names of the columns in the input; undefined before the header and for formats without. */
  readonly header: readonly string[] | undefined
}
