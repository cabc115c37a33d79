import type { Key } from '../key.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'

/*
 * How broadcast states stand in the operator state of a subtask:
 *
 *   Map   name → bytes     the operator's own, encoded once more where it goes into the manifest
 *   bytes                  the entries as an array of [key, value], in the order of the encoded keys (R17)
 */

/** The entries of one broadcast state as bytes, in their order; `what` begins messages. */
export function encodeBroadcast(
  entries: readonly (readonly [Key, unknown])[],
  what: string,
): Uint8Array {
  return encodeValue(entries, what)
}

/** The reverse of `encodeBroadcast`. */
export function decodeBroadcast(bytes: Uint8Array): readonly (readonly [Key, unknown])[] {
  return decodeValue(bytes) as [Key, unknown][]
}

/** What the operator state of a subtask holds of its broadcast states; undefined where it is something else. */
export function broadcastStatesIn(state: unknown): ReadonlyMap<string, Uint8Array> | undefined {
  return state instanceof Map ? (state as ReadonlyMap<string, Uint8Array>) : undefined
}
