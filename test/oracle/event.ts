import type { Key } from '../../runtime/key.ts'

/** One record of the streams that the oracle draws. */
export interface Event {
  /** Unique in its case. */
  readonly id: number
  /** For an operator with two inputs, which of them the event goes to. */
  readonly side: 0 | 1
  /** Which of the keys it has; what key that is says the case. */
  readonly key: number
  readonly n: number
  /** Event time. */
  readonly t: number
  /** The watermark that goes out right behind it, if any. */
  readonly mark: number | null
}

/** Types of keys, each with an encoding and a hash of its own (R19). */
export const KEY_KINDS = ['text', 'integer', 'long', 'bigint', 'pair'] as const

export type KeyKind = (typeof KEY_KINDS)[number]

/** The key that a number of a key stands for. */
export function keyOf(kind: KeyKind, key: number): Key {
  switch (kind) {
    case 'text':
      return `key-${key}`
    case 'integer':
      return key - 2
    case 'long':
      return 5_000_000_000 + key * 1_001
    case 'bigint':
      return BigInt(key) - 3n
    case 'pair':
      return [key % 3, `k${Math.floor(key / 3)}`]
  }
}

/** A key as text, the same for equal keys. */
export function keyText(key: Key): string {
  return Array.isArray(key) ? key.map(keyText).join('|') : String(key)
}
