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

/** An object that goes on in the next checkpoint: what of it lies in S3, and what does not yet. */
export interface GoingPart extends PartOfOutput {
  /** Undefined where no part was uploaded yet. */
  readonly uploadId: string | undefined
  readonly parts: readonly UploadedPart[]
  readonly tail: Uint8Array
  /** What ends the object if it does not go on; not counted in `bytes`. Missing where that is nothing. */
  readonly closing?: Uint8Array
}

/** Bytes of an object as the checkpoint has it, if it ends there. */
export function endedBytes({ bytes, closing }: GoingPart): number {
  return bytes + (closing?.byteLength ?? 0)
}

/** An object as a checkpoint lists it; plain data. */
export type S3Part = HeldPart | StagedPart | GoingPart

/** The objects that go on from a checkpoint; what it has pending of earlier ones may tell of the same objects, in order. */
export function goingParts(parts: readonly S3Part[]): readonly GoingPart[] {
  const last = new Map(parts.map((part) => [part.key, part]))
  return [...last.values()].filter((part) => 'tail' in part)
}

/** What the writer and the committer of a subtask share. */
export interface SubtaskOutput {
  readonly store: ObjectStore
  /** Ids of uploads that are in a cut and not committed. */
  readonly staged: Set<string>
  /** What the restored checkpoint has of objects that went on; undefined once the writer has taken it. */
  restored: S3Part[] | undefined
}
