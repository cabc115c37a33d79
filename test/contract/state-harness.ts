import type {
  BackendContext,
  KeyedStateBackend,
  PlacedEntry,
  StateEntry,
  StateSnapshot,
  TimeDomain,
  TimerQueue,
} from '../../runtime/state/state-backend.ts'
import { SystemClock } from '../../runtime/clock.ts'
import { keyGroupOf } from '../../runtime/key-group.ts'
import type { Key } from '../../runtime/key.ts'

export const MAX_PARALLELISM = 128

/** Makes a backend; the context is complete but for what the test wants otherwise. */
export type CreateBackend = (context: BackendContext) => KeyedStateBackend

/** A context with a real clock, since real writes need real turns. */
export function backendContext(overrides: Partial<BackendContext>): BackendContext {
  return {
    range: { first: 0, last: MAX_PARALLELISM - 1 },
    maxParallelism: MAX_PARALLELISM,
    clock: new SystemClock(),
    cacheBytes: 64 * 1_024 * 1_024,
    directory: '',
    strict: false,
    wake() {},
    fail(error) {
      throw error
    },
    ...overrides,
  }
}

/** Sets a key as a subtask does. */
export function enter(backend: KeyedStateBackend, key: Key, namespace?: Key): void {
  backend.setCurrentKey(key, keyGroupOf(key, MAX_PARALLELISM))
  if (namespace !== undefined) backend.setNamespace(namespace)
}

/** Runs a callback with a key, as a subtask does. */
export function within<R>(
  backend: KeyedStateBackend,
  key: Key,
  callback: () => R,
  namespace?: Key,
): R {
  enter(backend, key, namespace)
  const result = callback()
  backend.clearCurrent()
  return result
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => new SystemClock().nextTurn(resolve))
}

/** Lets the backend do all its housekeeping, and waits until its writes have landed. */
export async function settle(backend: KeyedStateBackend): Promise<void> {
  do {
    while (backend.work(Infinity));
    await turn()
  } while (backend.isSuspended)
}

/** As `pop` of timers, waiting for those that are not in memory, as a subtask does. */
export async function popTimer(
  backend: KeyedStateBackend,
  timers: TimerQueue,
  domain: TimeDomain,
  upTo: number,
): Promise<number | undefined> {
  for (;;) {
    const popped = timers.pop(domain, upTo)
    if (popped !== undefined || !timers.isWaiting(domain)) return popped
    backend.work(-Infinity)
    await turn()
  }
}

/** Encodes a snapshot to its end; entries are copied, as they would be into a segment. */
export function encodeAll(backend: KeyedStateBackend, snapshot: StateSnapshot): StateEntry[] {
  while (!snapshot.isEncoded) backend.work(-Infinity)
  return [...entriesOf(snapshot)]
}

/** The entries of an encoded snapshot, copied while they are taken. */
export function* entriesOf(snapshot: StateSnapshot): Generator<StateEntry> {
  const entries = snapshot.entries()
  try {
    while (entries.next()) yield copyEntry(entries)
  } finally {
    entries.close()
  }
}

/** An entry as it lies now, copied. */
export function copyEntry({ kind, bytes, keyStart, keyEnd, valueEnd }: PlacedEntry): StateEntry {
  return { key: bytes.slice(keyStart, keyEnd), kind, value: bytes.slice(keyEnd, valueEnd) }
}

/** The contents that a chain of segments stands for, by key in hexadecimal. */
export type Contents = ReadonlyMap<string, StateEntry>

export const NO_CONTENTS: Contents = new Map()

/** Applies a segment: newest wins, tombstones remove, `clear` removes all that begins with its key. */
export function applySegment(contents: Contents, entries: readonly StateEntry[]): Contents {
  const result = new Map(contents)
  for (const { key, kind } of entries) {
    if (kind !== 'clear') continue
    const prefix = hex(key)
    for (const other of contents.keys()) if (other.startsWith(prefix)) result.delete(other)
  }
  for (const entry of entries) {
    if (entry.kind === 'put') result.set(hex(entry.key), entry)
    else if (entry.kind === 'delete') result.delete(hex(entry.key))
  }
  return result
}

/** Contents as a restore takes them: puts, ascending by key. */
export function toRestore(contents: Contents): StateEntry[] {
  return [...contents].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
