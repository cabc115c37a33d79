import type { ObjectStore, UploadedPart } from '../../runtime/object-store.ts'

/** Says in the metadata of each object which try at writing it has made it. */
export const TOKEN_NAME = 'millrace-token'

interface PartOfOutput {
  readonly key: string
  readonly bytes: number
  readonly token: string
}

/** A small object, which is in the checkpoint itself. */
export interface HeldPart extends PartOfOutput {
  readonly body: Uint8Array
}

/** An object whose parts are in S3, where nobody sees them before the upload is completed. */
export interface StagedPart extends PartOfOutput {
  readonly uploadId: string
  readonly parts: readonly UploadedPart[]
}

/** An object as a checkpoint lists it; plain data. */
export type S3Part = HeldPart | StagedPart

/** What the writer and the committer of a subtask share. */
export interface SubtaskOutput {
  readonly store: ObjectStore
  /** Ids of uploads that are in a cut and not committed. */
  readonly staged: Set<string>
}
