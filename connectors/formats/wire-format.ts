/**
 * What a schema registry's clients put before each message:
 *
 * ```text
 * ┌──────┬───────────────────────┬───────────────────────────┬─────────┐
 * │ 0x00 │ id of the schema      │ Protobuf only: which      │ message │
 * │ 1 B  │ int32, big endian 4 B │ message of it, varints    │         │
 * └──────┴───────────────────────┴───────────────────────────┴─────────┘
 * ```
 */
export const HEADER_BYTES = 5

/** The id of the schema that a message was written with; undefined where it does not begin as such a message does. */
export function schemaIdOf(bytes: Buffer): number | undefined {
  return bytes.length >= HEADER_BYTES && bytes[0] === 0 ? bytes.readInt32BE(1) : undefined
}

/** A message with its header, in memory of its own. `between` is what stands between id and body. */
export function withHeader(id: number, between: Buffer, body: Uint8Array): Buffer {
  const start = HEADER_BYTES + between.length
  const bytes = Buffer.allocUnsafe(start + body.length)
  bytes[0] = 0
  bytes.writeInt32BE(id, 1)
  bytes.set(between, HEADER_BYTES)
  bytes.set(body, start)
  return bytes
}

/** Which message of a Protobuf schema: its index in the file, then in the message around it, and where the body begins. */
export interface MessageIndexes {
  readonly path: readonly number[]
  readonly end: number
}

/** Deeper nesting of message types is taken for damage. */
const MAX_DEPTH = 100

/** Reads the message indexes behind the header: a zigzag varint for their number, then one for each; a single 0 is [0]. */
export function readMessageIndexes(bytes: Buffer): MessageIndexes | undefined {
  let at = HEADER_BYTES
  const next = (): number => {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) return -1
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value & 1 ? -1 : value >>> 1
    }
    return -1
  }
  const count = next()
  if (count === 0) return { path: [0], end: at }
  if (count < 0 || count > MAX_DEPTH) return undefined
  const path: number[] = []
  for (let i = 0; i < count; i++) {
    const index = next()
    if (index < 0) return undefined
    path.push(index)
  }
  return { path, end: at }
}

/** The bytes that `readMessageIndexes` reads. */
export function messageIndexBytes(path: readonly number[]): Buffer {
  if (path.length === 1 && path[0] === 0) return Buffer.from([0])
  const bytes: number[] = []
  for (const index of [path.length, ...path]) {
    let rest = index * 2
    while (rest > 0x7f) {
      bytes.push((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    bytes.push(rest)
  }
  return Buffer.from(bytes)
}
