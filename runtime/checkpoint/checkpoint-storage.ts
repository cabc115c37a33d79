import type { CheckpointManifest } from './manifest.ts'

/** A file of a checkpoint as the manifest names it. Names are relative to the storage and never reused. */
export interface StoredFile {
  readonly name: string
  readonly bytes: number
}

/** Writes one file; nothing of it counts before `finish` has resolved. */
export interface StorageWriter {
  /** How the file will be named in a manifest. */
  readonly name: string
  /** Appends; the caller awaits it before the next one, and uses the memory for that again. */
  write(chunk: Uint8Array): Promise<void>
  /** Makes the file and its name durable (R26), and returns how it is named in a manifest. */
  finish(): Promise<StoredFile>
  /** Removes what was written. */
  abort(): Promise<void>
}

/** A file that stays readable until it is closed, also when the storage removes it meanwhile. */
export interface PinnedFile {
  /** As `read` of the storage. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** The same at once, into memory of the caller, which it fills. */
  readSync(offset: number, target: Uint8Array): void
  close(): Promise<void>
}

/** The files that the manifest of a snapshot names, for reading. */
export interface SnapshotFiles {
  /** Reads part of a file. A missing or short one is `MR_CHECKPOINT_CORRUPT` with its name. */
  read(name: string, offset: number, length: number): Promise<Uint8Array>
  /** Existence and length, undefined where there is none. */
  stat(name: string): Promise<StoredFile | undefined>
  /**
   * Opens a file for look-ups that cannot wait, in state that is not loaded yet (R28). Not there where a storage cannot be read
   * at once: all state is then loaded before the first record.
   */
  pin?(name: string): Promise<PinnedFile>
}

/** Where the files of a snapshot are written. */
export interface SnapshotTarget {
  /**
   * Begins a file of that checkpoint, whose id has been reserved. `name` is a wish: characters that the storage cannot use
   * are replaced, and where it is taken (by what an earlier attempt left) the file gets another one.
   */
  create(checkpointId: number, name: string): Promise<StorageWriter>
}

/**
 * Where the checkpoints of one lineage live.
 *
 * Used by the coordinator and, for segments, by the workers. A checkpoint exists when its manifest has been published;
 * nothing else says so.
 */
export interface CheckpointStorage extends SnapshotFiles, SnapshotTarget {
  /** Reserves the next free id above `above` durably and create-only, so that ids are never reused (R1). */
  reserveId(above: number): Promise<number>
  /** Atomic, create-only, and durable when it returns (R26). Resolves with the bytes of the manifest as it is stored. */
  publish(manifest: CheckpointManifest): Promise<number>
  /** Ids that have a published manifest, ascending; unreadable manifests are listed too. */
  list(): Promise<readonly number[]>
  /** Reads and verifies one manifest (its checksum, its version); `MR_CHECKPOINT_CORRUPT` or `MR_CHECKPOINT_VERSION`. */
  readManifest(checkpointId: number): Promise<CheckpointManifest>
  /**
   * Removes all other manifests, then the files that neither `kept` nor `spared` names (folded segments that the next
   * manifest will name). Never anything of an id above all of `kept`: that checkpoint is running; so nothing without any.
   */
  retain(kept: readonly CheckpointManifest[], spared: readonly string[]): Promise<void>
  /**
   * Removes the files of ids up to `upTo` that are above all published ones: what declined checkpoints and ended attempts
   * left. (Below, files may be named by later manifests although their own is gone: that is for `retain`.) The ids stay
   * taken (R1). Never for an id that someone still writes to.
   */
  discard(upTo: number): Promise<void>
}
