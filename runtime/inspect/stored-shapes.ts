import { isOperatorStateKind } from '../state/operator-state.ts'
import { openSnapshot } from './snapshot.ts'
import { shapeOfValues } from './value-shape.ts'

/** Entries of a state that are looked at; of a large snapshot those of the first key groups. */
const MAX_ENTRIES = 32
const LARGE_BYTES = 64 * 1_024 * 1_024
const FIRST_GROUPS = { first: 0, last: 3 }

/**
 * What the values of each state in a snapshot look like, by `uid/state`; a few entries tell it. A state of which none is
 * found is left out. Of lists it is the element, of maps the value of an entry, as upcasts get them.
 */
export async function storedShapes(
  path: string,
  bytes: number,
): Promise<ReadonlyMap<string, string>> {
  const snapshot = await openSnapshot(path)
  try {
    const shapes = new Map<string, string>()
    for (const { uid, name, kind, isDropped } of snapshot.states()) {
      if (isDropped || kind === 'timers' || kind === 'operator' || kind === 'enumerator') continue
      const values: unknown[] = []
      const options = bytes > LARGE_BYTES ? { keyGroups: FIRST_GROUPS } : {}
      for await (const { value } of snapshot.entries({ uid, state: name }, options)) {
        values.push(...(isList(kind) && Array.isArray(value) ? value.slice(0, 4) : [value]))
        if (values.length >= MAX_ENTRIES) break
      }
      if (values.length > 0) shapes.set(`${uid}/${name}`, shapeOfValues(values))
    }
    return shapes
  } finally {
    await snapshot.close()
  }
}

/** Whether an entry of such a state is an array of what upcasts get. */
function isList(kind: string): boolean {
  return kind === 'list' || isOperatorStateKind(kind)
}
