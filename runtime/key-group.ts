import { invariant } from './errors.ts'
import type { Key } from './key.ts'
import type { KeyGroupRange } from './state/state-backend.ts'

const doubleScratch = new Float64Array(1)
const doubleWords = new Int32Array(doubleScratch.buffer)

/**
 * The 32-bit hash of a key, the same as Java's for the same value, so that state can move to a Flink cluster (R19).
 *
 * | key | hash |
 * | --- | --- |
 * | string | `String.hashCode`: h = 31·h + c over UTF-16 units, from 0 |
 * | integer within int32, −0 | `Integer.hashCode`: the number itself |
 * | other safe integer | `Long.hashCode`: low word xor high word |
 * | other number, ±Infinity | `Double.hashCode`: low word xor high word of its bits |
 * | bigint | `BigInteger.hashCode`: h = 31·h + word over the 32-bit words of its magnitude, highest first; times its sign |
 * | bytes | `Arrays.hashCode(byte[])`: h = 31·h + signed byte, from 1 |
 * | tuple | `Arrays.hashCode(Object[])`: h = 31·h + hash of the element, from 1 |
 *
 * The key must be valid (`keyProblem`). Costs time in proportion to its length, and no memory.
 */
export function hashKey(key: Key): number {
  switch (typeof key) {
    case 'string':
      return hashString(key)
    case 'number':
      return hashNumber(key)
    case 'bigint':
      return hashBigint(key)
    default:
      // Told apart so since `instanceof` walks the prototypes of an array.
      return Array.isArray(key) ? hashTuple(key as readonly Key[]) : hashBytes(key as Uint8Array)
  }
}

/** The key group of a key, 0 … maxParallelism − 1: Flink's murmur of the hash, modulo (semantics 2.8). */
export function keyGroupOf(key: Key, maxParallelism: number): number {
  return murmur(hashKey(key)) % maxParallelism
}

/** The subtask that owns a key group at this parallelism. */
export function subtaskOfKeyGroup(
  keyGroup: number,
  maxParallelism: number,
  parallelism: number,
): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism)
}

/** The key groups that a subtask owns: exactly those for which `subtaskOfKeyGroup` gives it. Never empty. */
export function keyGroupRange(
  subtask: number,
  parallelism: number,
  maxParallelism: number,
): KeyGroupRange {
  invariant(
    subtask >= 0 && subtask < parallelism && parallelism <= maxParallelism,
    `no key-group range for subtask ${subtask} of ${parallelism}, ${maxParallelism} at most`,
  )
  return {
    first: Math.floor((subtask * maxParallelism + parallelism - 1) / parallelism),
    last: Math.floor(((subtask + 1) * maxParallelism - 1) / parallelism),
  }
}

/** Flink's mixing of a hash into a number from 0 to 2^31 − 1 (murmur3 of one word). */
export function murmur(hash: number): number {
  let code = Math.imul(hash, 0xcc9e2d51)
  code = (code << 15) | (code >>> 17)
  code = Math.imul(code, 0x1b873593)
  code = (code << 13) | (code >>> 19)
  code = (Math.imul(code, 5) + 0xe6546b64) | 0
  code ^= 4
  code ^= code >>> 16
  code = Math.imul(code, 0x85ebca6b)
  code ^= code >>> 13
  code = Math.imul(code, 0xc2b2ae35)
  code ^= code >>> 16
  if (code >= 0) return code
  return code === -2_147_483_648 ? 0 : -code
}

function hashString(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

function hashNumber(number: number): number {
  const int = number | 0
  if (int === number) return int
  // `| 0` takes a safe integer modulo 2^32, so these are the two words of its 64-bit form.
  if (Number.isSafeInteger(number)) return int ^ Math.floor(number / 4_294_967_296)
  doubleScratch[0] = number
  return doubleWords[0]! ^ doubleWords[1]!
}

function hashBigint(number: bigint): number {
  const isNegative = number < 0n
  // By hexadecimal digits, since shifting a long bigint word by word takes time in proportion to its square.
  const hex = (isNegative ? -number : number).toString(16)
  let hash = 0
  let start = 0
  for (let end = hex.length % 8 || 8; start < hex.length; start = end, end += 8) {
    hash = (Math.imul(hash, 31) + Number.parseInt(hex.slice(start, end), 16)) | 0
  }
  return isNegative ? -hash | 0 : hash
}

function hashBytes(bytes: Uint8Array): number {
  let hash = 1
  for (let i = 0; i < bytes.length; i++) {
    hash = (Math.imul(hash, 31) + ((bytes[i]! << 24) >> 24)) | 0
  }
  return hash
}

function hashTuple(tuple: readonly Key[]): number {
  let hash = 1
  for (let i = 0; i < tuple.length; i++) {
    const element = tuple[i]!
    const of = typeof element === 'number' ? hashNumber(element) : hashKey(element)
    hash = (Math.imul(hash, 31) + of) | 0
  }
  return hash
}
