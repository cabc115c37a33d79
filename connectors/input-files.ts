/** An input file that is open for reading. */
export interface InputFile {
  /** Bytes as they lie there, compressed or not. */
  readonly size: number
  /** As many bytes as there are, up to `length`; fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Buffer>
  /** The bytes from `from` up to `to`, in pieces; they end early where the file does. */
  stream(from: number, to: number): AsyncIterable<Buffer>
  close(): Promise<void>
}

/** A place where input files lie: disks, or S3. */
export interface InputFiles {
  /**
   * The files of a path, sorted: one file, the files directly in a folder, or those that match a glob. None, where the folder or
   * glob has none; `MR_INPUT_MISSING` where the path is not there. Names that begin with a dot are left out of folders and globs, since
   * writers keep unfinished files under such names.
   */
  find(path: string): Promise<readonly string[]>
  /** Fails with what the place says; see `unreadableInput`. */
  open(path: string): Promise<InputFile>
  /** Nothing more will be read. */
  close(): void
}

/** Characters that make a path a glob. */
export const GLOB_CHARACTERS: RegExp = /[*?[\]{}]/
