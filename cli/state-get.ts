import { inspect } from 'node:util'
import { StreamError } from '../runtime/errors.ts'
import type { Snapshot, SnapshotEntry } from '../runtime/inspect/snapshot.ts'
import type { Key } from '../runtime/key.ts'
import { nearest } from '../runtime/nearest.ts'
import { formatInstant } from '../runtime/time-text.ts'
import type { StateGetCommand } from './args.ts'
import type { Host } from './host.ts'
import { LineOutput } from './line-output.ts'

/** How many entries are looked through for a key that is near. */
const MAX_LOOKED_AT = 100_000

/** Shows what a state holds for one key. */
export async function getState(command: StateGetCommand, host: Host): Promise<number> {
  const { openSnapshot } = await import('../runtime/inspect/snapshot.ts')
  const { keyText, parseKey } = await import('../runtime/inspect/key-text.ts')
  const { entryToJson } = await import('../runtime/inspect/entry-json.ts')
  const snapshot = await openSnapshot(command.path)
  try {
    const all = await snapshot.entriesOf(command, parseKey(command.key))
    const { namespace } = command
    const wanted = namespace === undefined ? undefined : keyText(parseKey(namespace))
    const isWanted = ({ namespace: own }: SnapshotEntry): boolean =>
      wanted === undefined || (own !== undefined && keyText(own) === wanted)
    const entries = all.filter(isWanted)
    if (entries.length === 0) throw await notFound(command, snapshot, all)
    const output = new LineOutput(host)
    for (const entry of entries) {
      await output.line(
        command.json ? JSON.stringify(entryToJson(entry)) : entryText(entry, keyText),
      )
    }
    await output.flush()
    return 0
  } finally {
    await snapshot.close()
  }
}

function entryText(entry: SnapshotEntry, keyText: (key: Key) => string): string {
  const { namespace, mapKey, value, lastAccess } = entry
  const place = [
    ...(namespace === undefined ? [] : [`in ${keyText(namespace)}`]),
    ...(mapKey === undefined ? [] : [keyText(mapKey)]),
  ].join(' ')
  const isKnown = lastAccess !== undefined && Number.isFinite(lastAccess)
  const used = isKnown ? `  (last used ${formatInstant(lastAccess)} UTC)` : ''
  const shown = inspect(value, { depth: null, maxArrayLength: null, maxStringLength: null })
  return `${place === '' ? '' : `${place}: `}${shown}${used}`
}

/** What there is instead: the key in another form or namespace, or one that is near. */
async function notFound(
  command: StateGetCommand,
  snapshot: Snapshot,
  inOthers: readonly SnapshotEntry[],
): Promise<StreamError> {
  const { formsOf, keyText, parseKey } = await import('../runtime/inspect/key-text.ts')
  const key = keyText(parseKey(command.key))
  let what = `no key ${key}`
  let instead = await nearKey(command, snapshot, key)
  if (inOthers.length > 0) {
    const namespaces = new Set(
      inOthers.map(({ namespace }) =>
        namespace === undefined ? 'the default one' : keyText(namespace),
      ),
    )
    what = `nothing for key ${key} in namespace ${command.namespace}`
    instead = `the key has ${[...namespaces].slice(0, 10).join(', ')}`
  }
  for (const form of formsOf(command.key)) {
    if (inOthers.length > 0 || keyText(form) === key) continue
    if ((await snapshot.entriesOf(command, form)).length === 0) continue
    instead = `it has ${keyText(form)}, another key; write --key '${keyText(form)}'`
  }
  return new StreamError(
    'MR_STATE_NOT_FOUND',
    `State "${command.state}" of operator "${command.uid}" has ${what} in ${snapshot.path}; nothing can be shown of it; ${instead}.`,
    { uid: command.uid, state: command.state, key },
  )
}

async function nearKey(command: StateGetCommand, snapshot: Snapshot, key: string): Promise<string> {
  const { keyText } = await import('../runtime/inspect/key-text.ts')
  const keys = new Set<string>()
  let count = 0
  for await (const entry of snapshot.entries(command)) {
    keys.add(keyText(entry.key))
    if (++count === MAX_LOOKED_AT) break
  }
  const near = nearest(key, [...keys])
  if (near !== undefined) return `did you mean ${near}`
  const [example] = keys
  return example === undefined
    ? 'the state is empty'
    : `a key that it has is ${example}: 1 is a number, '1' a string, 1n a bigint, ["a",1] a tuple`
}
