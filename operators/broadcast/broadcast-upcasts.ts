import type { Key } from '../../runtime/key.ts'
import type { StateDescriptor } from '../../runtime/state/state.ts'
import { showKey } from '../../runtime/state/state-errors.ts'
import { upcastValue } from '../../runtime/state/upcasts.ts'

/**
 * Makes the values of a broadcast state what they are stored as by now, all of them when it is restored: they are all in
 * memory anyway.
 */
export function upcaster(
  operator: string,
  { name, version, upcasts }: StateDescriptor,
): (value: unknown, from: number, key: Key) => unknown {
  const state = { uid: operator, name, version, upcasts }
  return (value, from, key) =>
    from === version
      ? value
      : upcastValue(value, from, state, true, () => {
          const entry = showKey(key)
          const label = `Broadcast state "${name}" of operator "${operator}", entry ${entry}`
          return { label, fields: { entry } }
        })
}
