import { hash } from 'node:crypto'
import { changedInput, unreadableInput } from './file-errors.ts'
import type { InputFiles } from './input-files.ts'

/** How much of a file its identity looks at: the first 64 KiB, and the 64 KiB before a position. */
export const IDENTITY_BYTES: number = 64 * 1024

/** What is known of an input file when it is listed; plain data, part of the checkpoint. */
export interface FileIdentity {
  /** Absolute path, or `s3://bucket/key`. */
  readonly path: string
  /** Bytes as they lie there, compressed or not. */
  readonly size: number
  /** Hash of the first 64 KiB of these. */
  readonly headHash: string
  readonly isGzip: boolean
}

/** One file with the position of its next record; plain data, part of the checkpoint (R31, R32). */
export interface FileSplit extends FileIdentity {
  /** The path, as files are read once each. */
  readonly id: string
  /** Byte offset (uncompressed) of the next record. */
  readonly offset: number
  /** Line of the next record, from 1. */
  readonly line: number
  /** Columns of the file's header, once it was read. */
  readonly header: readonly string[] | null
  /** Hash of the up to 64 KiB (uncompressed) before `offset`. */
  readonly tailHash: string
  readonly isFinished: boolean
  /** True once a checkpoint has recorded it: from then on growth must be allowed. */
  readonly isRestored: boolean
  /** How many files the source has: that many subtasks at most divide its rate. */
  readonly fileCount: number
}

/** Hash of bytes as it stands in splits. */
export function hashBytes(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'base64url')
}

/** A split at the start of a file. */
export function newSplit(file: FileIdentity, fileCount: number): FileSplit {
  const position = { offset: 0, line: 1, header: null, tailHash: hashBytes(new Uint8Array(0)) }
  return { id: file.path, ...file, ...position, isFinished: false, isRestored: false, fileCount }
}

/** Looks at a file: size, head, kind. Reads at most 64 KiB. */
export async function identify(
  files: InputFiles,
  path: string,
  headLength: number = IDENTITY_BYTES,
): Promise<FileIdentity> {
  try {
    const file = await files.open(path)
    try {
      const { size } = file
      const head = await file.read(0, Math.min(IDENTITY_BYTES, size))
      const isGzip = head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b
      return { path, size, headHash: hashBytes(head.subarray(0, headLength)), isGzip }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw unreadableInput(path, error)
  }
}

/**
 * Compares a split with the file that is there now; returns the split to read, with a new size where growth is allowed.
 *
 * Fails with `MR_INPUT_CHANGED` for another head, a shorter file, and growth that is not allowed; compressed files may not
 * grow at all. What lies before the position is compared when it is read again.
 */
export async function verifySplit(
  files: InputFiles,
  split: FileSplit,
  allowGrowth: boolean,
  log: (message: string) => void,
): Promise<FileSplit> {
  const now = await identify(files, split.path, Math.min(IDENTITY_BYTES, split.size))
  const sizes = { size: now.size, expectedSize: split.size }
  if (now.size < split.size) {
    throw changedInput(split.path, `it has ${now.size} bytes where it had ${split.size}`, sizes)
  }
  if (now.headHash !== split.headHash || now.isGzip !== split.isGzip) {
    throw changedInput(split.path, 'its first 64 KiB are different')
  }
  if (now.size === split.size) return split
  const growth = `it has grown from ${split.size} to ${now.size} bytes`
  if (split.isGzip) throw changedInput(split.path, growth, sizes)
  if (split.isRestored && !allowGrowth) {
    throw changedInput(split.path, `${growth} (accepted with --allow-grown-input)`, sizes)
  }
  if (split.isRestored) log(`Input ${split.path}: ${growth}; the new part is read too.`)
  return { ...split, size: now.size, headHash: (await identify(files, split.path)).headHash }
}
