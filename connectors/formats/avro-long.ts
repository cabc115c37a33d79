import type { AvroTap } from './avro-library.ts'

/** Below this avsc's own arithmetic is exact; from 2^52 on it turns -2^52 - 1 into 2^52 without a word. */
const EXACT_LIMIT = 2 ** 51
const LOW_LIMIT = 2 ** 27

/**
 * Reads a long (zigzag, 7 bits a byte, lowest first) as a number; throws for one beyond 2^53, which a number cannot hold.
 */
export function readSafeLong(tap: AvroTap): number {
  const start = tap.pos
  const value = tap.readLong()
  if (value > -EXACT_LIMIT && value < EXACT_LIMIT) return value
  tap.pos = start
  const low = readBits(tap)
  const high = readBits(tap)
  const isLonger = ((tap.buf[tap.pos - 1] ?? 0) & 0x80) !== 0
  const half = high * LOW_LIMIT + (low >>> 1)
  const exact = (low & 1) === 0 ? half : -half - 1
  if (!isLonger && Number.isSafeInteger(exact)) return exact
  throw new RangeError(
    'a long is beyond 2^53, which a number cannot hold exactly (use longs: "bigint")',
  )
}

/** Writes a safe integer as `readSafeLong` reads it. */
export function writeSafeLong(tap: AvroTap, value: number): void {
  if (value > -EXACT_LIMIT && value < EXACT_LIMIT) {
    tap.writeLong(value)
    return
  }
  const half = value < 0 ? -value - 1 : value
  let low = (half % LOW_LIMIT) * 2 + (value < 0 ? 1 : 0)
  for (let i = 0; i < 4; i++) {
    tap.buf[tap.pos++] = (low & 0x7f) | 0x80
    low >>>= 7
  }
  let high = Math.floor(half / LOW_LIMIT)
  for (; high > 0x7f; high >>>= 7) tap.buf[tap.pos++] = (high & 0x7f) | 0x80
  tap.buf[tap.pos++] = high
}

/** The next 4 bytes of a number at most: 28 bits. */
function readBits(tap: AvroTap): number {
  let bits = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = tap.buf[tap.pos++] ?? 0
    bits |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  return bits
}
