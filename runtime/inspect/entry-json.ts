import { type Json, toJson } from './json-values.ts'
import type { SnapshotEntry } from './snapshot-entry.ts'

/**
 * An entry as a line of an export holds it: `key` and `value`; `namespace`, `mapKey`, `version` (where it is not 1),
 * `elementVersions`, `lastAccess`, `elementAccesses` and `timeDomain` where there is something to say.
 */
export function entryToJson(entry: SnapshotEntry): Json {
  const { key, namespace, mapKey, value, version, lastAccess, elementAccesses, timeDomain } = entry
  const { elementVersions } = entry
  return {
    key: toJson(key),
    ...(namespace === undefined ? {} : { namespace: toJson(namespace) }),
    ...(mapKey === undefined ? {} : { mapKey: toJson(mapKey) }),
    value: toJson(value),
    ...(version === 1 ? {} : { version }),
    ...(elementVersions === undefined ? {} : { elementVersions: [...elementVersions] }),
    ...(lastAccess === undefined ? {} : { lastAccess: toJson(lastAccess) }),
    ...(elementAccesses === undefined ? {} : { elementAccesses: elementAccesses.map(toJson) }),
    ...(timeDomain === undefined ? {} : { timeDomain }),
  }
}
