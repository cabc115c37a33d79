import type { Key } from '../key.ts'
import { decodeValue, encodeValue } from '../value-codec.ts'

/*
 * How broadcast states stand in the operator state of a subtask:
 *
 *   Map   name → bytes     the operator's own, encoded once more where it goes into the manifest
 *   bytes                  the entries as an array of [key, value], in the order of the encoded keys (R17);
 *                          where their schema version is not 1, an object { version, entries }
 */

type Pairs = readonly (readonly [Key, unknown])[]

/** The entries of one broadcast state as bytes, in their order; `what` begins messages. */
export function encodeBroadcast(entries: Pairs, what: string, version = 1): Uint8Array {
  return encodeValue(version === 1 ? entries : { version, entries }, what)
}

/** The reverse of `encodeBroadcast`. */
export function decodeBroadcast(bytes: Uint8Array): Pairs {
  return decodeVersioned(bytes).entries
}

/** The entries with the schema version of their values. */
export function decodeVersioned(bytes: Uint8Array): {
  readonly version: number
  readonly entries: Pairs
} {
  const stored = decodeValue(bytes) as Pairs | ReturnType<typeof decodeVersioned>
  return 'version' in stored ? stored : { version: 1, entries: stored }
}

/** What the operator state of a subtask holds of its broadcast states; undefined where it is something else. */
export function broadcastStatesIn(state: unknown): ReadonlyMap<string, Uint8Array> | undefined {
  return state instanceof Map ? (state as ReadonlyMap<string, Uint8Array>) : undefined
}
