import { ByteWriter } from '../bytes.ts'
import { StreamError } from '../errors.ts'
import { keyText } from '../inspect/key-text.ts'
import { keyProblem, writeKey } from '../key-encoding.ts'
import { keyGroupOf } from '../key-group.ts'
import type { Key } from '../key.ts'
import {
  type FrontPieces,
  type LastAccess,
  writeEntryValue,
  writeNoValue,
  writePrefix,
  writeTimedEntryValue,
  writeTimerKey,
} from '../state/snapshot-format.ts'
import type { StateEntry } from '../state/state-backend.ts'
import { resolveTtl, type TtlTimeDomain } from '../state/state-ttl.ts'
import type { StateDescriptor } from '../state/state.ts'
import { listEntries, pieceKey } from './list-entries.ts'
import type { NewEntryOwner, NewTimer } from './state-edit.ts'

/** Where entries go. */
export interface EntryPlace {
  readonly uid: string
  readonly stateId: number
  readonly maxParallelism: number
}

const NOTHING = new Uint8Array(0)

/** Encodes new entries of one state as they stand in segments. */
export class NewEntries {
  readonly #place: EntryPlace
  readonly #descriptor: StateDescriptor
  readonly #domain: TtlTimeDomain | undefined
  readonly #writer: ByteWriter = new ByteWriter()

  constructor(place: EntryPlace, descriptor: StateDescriptor) {
    this.#place = place
    this.#descriptor = descriptor
    const { ttl, name } = descriptor
    this.#domain = ttl === undefined ? undefined : resolveTtl(ttl, `ttl of "${name}"`).timeDomain
  }

  /** What one entry comes to: of a list what was there before is cleared, so that none of it is left. */
  encode(entry: NewEntryOwner & { readonly value: unknown }): StateEntry[] {
    const { kind } = this.#descriptor
    const prefix = this.#prefix(entry)
    if (kind === 'list') return this.#list(entry, prefix)
    if (kind !== 'map') return [this.#put(entry, prefix, entry.value)]
    if (!(entry.value instanceof Map)) throw this.#wrong(entry, 'a Map')
    return [...(entry.value as ReadonlyMap<Key, unknown>)].map(([mapKey, value]) => {
      this.#checkKey(mapKey, `A map key of key ${keyText(entry.key)}`)
      this.#writer.length = 0
      writeKey(this.#writer, mapKey)
      return this.#put(entry, Buffer.concat([prefix, this.#writer.copy()]), value)
    })
  }

  #list(entry: NewEntryOwner & { readonly value: unknown }, prefix: Uint8Array): StateEntry[] {
    const { value: list } = entry
    if (!Array.isArray(list)) throw this.#wrong(entry, 'an array')
    const cleared: StateEntry = { key: prefix, kind: 'clear', value: NOTHING }
    // Sorted, the clear comes before all that is put for the key; an empty list has to take the place of an earlier one too.
    if (list.length === 0) {
      return [cleared, { key: pieceKey(prefix, 0), kind: 'delete', value: NOTHING }]
    }
    const pieces = listEntries(prefix, list, (start, end, front) =>
      this.#encode(entry, list.slice(start, end), front),
    )
    return [cleared, ...pieces]
  }

  #prefix({ key, namespace }: NewEntryOwner): Uint8Array {
    this.#checkKey(key, 'A key')
    if (namespace !== undefined) this.#checkKey(namespace, `A namespace of key ${keyText(key)}`)
    const { maxParallelism, stateId } = this.#place
    const keyGroup = keyGroupOf(key, maxParallelism)
    this.#writer.length = 0
    writePrefix(this.#writer, { keyGroup, key, namespace }, stateId)
    return this.#writer.copy()
  }

  #put(entry: NewEntryOwner, key: Uint8Array, value: unknown): StateEntry {
    return { key: new Uint8Array(key), kind: 'put', value: this.#encode(entry, value) }
  }

  #encode(entry: NewEntryOwner, value: unknown, front?: FrontPieces): Uint8Array {
    const { version, kind, name } = this.#descriptor
    if (value === undefined && kind !== 'map') throw this.#wrong(entry, 'a value')
    const what = `state "${name}" of operator "${this.#place.uid}", key ${keyText(entry.key)}`
    const { lastAccess } = entry
    const elements = isList(kind, value) ? value.map(() => lastAccess ?? -Infinity) : undefined
    this.#writer.length = 0
    const domain = this.#domain
    if (domain === undefined || lastAccess === undefined) {
      writeEntryValue(this.#writer, version, value, what, front)
    } else {
      const access: LastAccess = { lastAccess, elementAccesses: elements }
      writeTimedEntryValue(this.#writer, { version, value, what, domain, access, front })
    }
    return this.#writer.copy()
  }

  #checkKey(key: Key, what: string): void {
    const problem = keyProblem(key)
    if (problem === undefined) return
    throw new StreamError(
      'MR_KEY_INVALID',
      `${what} for state "${this.#descriptor.name}" of operator "${this.#place.uid}" is ${problem}; it cannot be written; keys are strings, numbers, bigints, bytes or tuples of these.`,
      { uid: this.#place.uid, state: this.#descriptor.name },
    )
  }

  #wrong({ key }: NewEntryOwner, wanted: string): StreamError {
    const { kind, name } = this.#descriptor
    return new StreamError(
      'MR_VALUE_UNSUPPORTED',
      `State "${name}" of operator "${this.#place.uid}", key ${keyText(key)}: the value of ${kind} state must be ${wanted}; it cannot be written; leave the entry out, or give it one.`,
      { uid: this.#place.uid, state: name },
    )
  }
}

/** Encodes a timer. */
export function encodeTimer(
  place: EntryPlace,
  { key, namespace, timestamp }: NewTimer,
): StateEntry {
  const problem = keyProblem(key) ?? (namespace === undefined ? undefined : keyProblem(namespace))
  if (problem !== undefined || !(Number.isSafeInteger(timestamp) || timestamp === Infinity)) {
    throw new StreamError(
      'MR_KEY_INVALID',
      `A timer of operator "${place.uid}" has ${problem === undefined ? `the timestamp ${timestamp}` : `${problem} as key or namespace`}; it cannot be written; timestamps are whole milliseconds, keys strings, numbers, bigints, bytes or tuples of these.`,
      { uid: place.uid },
    )
  }
  const writer = new ByteWriter()
  const keyGroup = keyGroupOf(key, place.maxParallelism)
  writeTimerKey(writer, { keyGroup, key, namespace }, place.stateId, timestamp)
  const encoded = writer.copy()
  writer.length = 0
  writeNoValue(writer)
  return { key: encoded, kind: 'put', value: writer.copy() }
}

function isList(kind: string, value: unknown): value is readonly unknown[] {
  return kind === 'list' && Array.isArray(value)
}
