/** Less than this is not worth it, and may be a part of a buffer that Node shares out. */
const LEAST_BYTES = 64 * 1024

/**
 * Gives back at once the memory of bytes that nobody uses any more: V8 lets some 64 MB of such pile up in each thread before it looks.
 * The array is empty from then on. Does nothing for a view of a part of a buffer.
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < LEAST_BYTES || byteLength !== buffer.byteLength) return
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** All pieces in one, whose memory is given back; a single one as it is. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!
  const joined = Buffer.concat(pieces)
  for (const piece of pieces) freeBytes(piece)
  return joined
}
