import type { ObjectStore, UploadedPart } from '../../runtime/object-store.ts'
import { PART_BYTES } from './object-upload.ts'
import { type GoingPart, TOKEN_NAME } from './s3-part.ts'

/**
 * Replaces an object by what it had at a checkpoint, which is its beginning (R3).
 *
 * At once, and the same when it is done again: a crash in between leaves the object as it was. The upload that the checkpoint knows is
 * gone by then, so nothing else could bring those records back.
 */
export async function cutObject(
  store: ObjectStore,
  { key, bytes, token }: GoingPart,
): Promise<void> {
  const metadata = { [TOKEN_NAME]: token }
  const read = async (from: number): Promise<Uint8Array> =>
    (await store.read(key, from, Math.min(PART_BYTES, bytes - from))) ?? new Uint8Array(0)
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
