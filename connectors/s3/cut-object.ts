import type { ObjectStore, UploadedPart } from '../../runtime/object-store.ts'
import { NO_CLOSING } from '../format.ts'
import { PART_BYTES } from './object-upload.ts'
import { endedBytes, type GoingPart, TOKEN_NAME } from './s3-part.ts'

/**
 * Replaces an object by what it had at a checkpoint, which is its beginning with what ends it there (R3).
 *
 * At once, and the same when it is done again: a crash in between leaves the object as it was. The upload that the checkpoint knows is
 * gone by then, so nothing else could bring those records back.
 */
export async function cutObject(
  store: ObjectStore,
  { key, bytes, token, closing = NO_CLOSING }: GoingPart,
): Promise<void> {
  const metadata = { [TOKEN_NAME]: token }
  const read = async (from: number): Promise<Uint8Array> => {
    const until = Math.min(from + PART_BYTES, bytes)
    const body = (await store.read(key, from, until - from)) ?? new Uint8Array(0)
    return until === bytes ? Buffer.concat([body, closing]) : body
  }
  if (bytes <= PART_BYTES) {
    await store.put(key, await read(0), { metadata })
    return
  }
  const upload = { key, uploadId: await store.createUpload(key, { metadata }) }
  const parts: UploadedPart[] = []
  for (let from = 0; from < bytes; from += PART_BYTES) {
    const partNumber = parts.length + 1
    parts.push({ partNumber, etag: await store.uploadPart(upload, partNumber, await read(from)) })
  }
  await store.completeUpload(upload, parts)
}

/** Whether the object that is there, of so many bytes, is what the checkpoint has: the same length may be that of other rows. */
export async function isCutAlready(
  store: ObjectStore,
  part: GoingPart,
  thereBytes: number,
): Promise<boolean> {
  const { key, bytes, closing } = part
  if (thereBytes !== endedBytes(part)) return false
  if (closing === undefined) return true
  const found = await store.read(key, bytes, closing.byteLength)
  return found !== undefined && Buffer.compare(found, closing) === 0
}
