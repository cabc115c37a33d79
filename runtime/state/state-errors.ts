import { inspect } from 'node:util'
import { RestartableError, StreamError } from '../errors.ts'
import type { KeyGroupRange } from './state-backend.ts'
import type { Key } from '../key.ts'

/** Longest rendering of a key in a message. */
const MAX_SHOWN = 120

/** A key on one line, shortened; strings in quotes, bigints with their n. */
export function showKey(key: Key): string {
  const text = inspect(key, {
    depth: 16,
    breakLength: Infinity,
    maxStringLength: 80,
    maxArrayLength: 20,
  })
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}

interface StateName {
  readonly uid: string
  readonly name: string
}

/** How messages name the state of a key: `State "count" of operator "velocity", key '4532'`. */
export function stateLabel(
  state: StateName,
  row: { readonly key: Key; readonly namespace: Key | undefined },
): string {
  const namespace = row.namespace === undefined ? '' : `, namespace ${showKey(row.namespace)}`
  return `State "${state.name}" of operator "${state.uid}", key ${showKey(row.key)}${namespace}`
}

/** A map was given a key that is none (R19). */
export function mapKeyInvalid(
  state: StateName,
  row: { readonly key: Key; readonly namespace: Key | undefined },
  problem: string,
): StreamError {
  return new StreamError(
    'MR_KEY_INVALID',
    `${stateLabel(state, row)}: a map key is ${problem}; an entry cannot be stored or found under it; use a string, number, bigint, bytes or a tuple of these.`,
    { uid: state.uid, state: state.name, key: showKey(row.key) },
  )
}

/** State of a key was used in a subtask that does not have it: where the record was sent by its key, that was another one (R19). */
export function keyElsewhere(key: Key, keyGroup: number, range: KeyGroupRange): StreamError {
  const shown = showKey(key)
  return new StreamError(
    'MR_KEY_UNSTABLE',
    `Key ${shown} is of key group ${keyGroup}, and this subtask has the groups ${range.first} to ${range.last}: the key selector returned another key when the record was sent here; state of the key would be where nobody finds it again; make the key from the fields of the record alone.`,
    { key: shown, keyGroup },
  )
}

/** A function of a reducing or aggregating state came to undefined. */
export function nothingToKeep(state: StateName, method: string): StreamError {
  return new StreamError(
    'MR_VALUE_UNSUPPORTED',
    `State "${state.name}" of operator "${state.uid}": ${method} came to undefined; what has been added so far would be lost; return a value, also where an accumulator was changed in place.`,
    { uid: state.uid, state: state.name },
  )
}

/** State that expires by event time was used for a record that has none (R30). */
export function timestampMissing(
  state: StateName,
  row: { readonly key: Key; readonly namespace: Key | undefined },
): StreamError {
  return new StreamError(
    'MR_TIMESTAMP_INVALID',
    `${stateLabel(state, row)}: it expires by event time, and the record has no timestamp; it would not be known when it was last used; give the source a strategy (fromSource(…, { watermarks })), or let it expire by processing time.`,
    { uid: state.uid, state: state.name, key: showKey(row.key) },
  )
}

/** State, its iterators, or timers were used when no callback has a key (R15); `state` where it is known which. */
export function outsideCallback(state?: StateName): StreamError {
  const what =
    state === undefined
      ? 'State, timers or the current key were used'
      : `State "${state.name}" of operator "${state.uid}" was used`
  return new StreamError(
    'MR_STATE_OUTSIDE_CALLBACK',
    `${what} outside of a callback of a keyed operator; there is no key that it could belong to; use it only in processElement or onTimer, before these return, not in promises, timeouts or event handlers.`,
    state === undefined ? {} : { operator: state.uid, state: state.name },
  )
}

/** The backend has been closed. */
export function stateClosed(): StreamError {
  return new StreamError(
    'MR_STATE_CLOSED',
    'State was used after its backend had been closed; the attempt is over, so nothing can be read or stored; end what still runs in the background in close().',
  )
}

/** A working copy failed; another attempt builds a new one. */
export function stateFailed(what: string, directory: string, cause: unknown): RestartableError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new RestartableError(
    'MR_STATE_FAILED',
    `State in ${directory}: ${what} failed (${reason}); this attempt cannot go on; it is rebuilt from the last checkpoint, look at the disk if this comes back.`,
    { directory },
    cause,
  )
}
