import { canonicalKey, readKey } from '../../runtime/key-encoding.ts'
import type { Key } from '../../runtime/key.ts'
import {
  readEntryKey,
  readEntryValue,
  readPiece,
  readTimerKey,
  stateIdIn,
} from '../../runtime/state/snapshot-format.ts'
import type { KeyedStateBackend, TimerQueue } from '../../runtime/state/state-backend.ts'
import {
  type ListState,
  listState,
  type MapState,
  mapState,
  type ValueState,
  valueState,
} from '../../runtime/state/state.ts'
import { type Contents, toRestore } from './state-harness.ts'

export const IDS = { value: 3, list: 4, map: 700, event: 5, processing: 6 } as const

export interface Handles {
  readonly value: ValueState<unknown>
  readonly list: ListState<unknown>
  readonly map: MapState<Key, unknown>
  readonly timers: TimerQueue
}

/** Registers one state of each kind, and timers. */
export function registerAll(backend: KeyedStateBackend): Handles {
  const value = backend.register(IDS.value, 'op', { ...valueState<unknown>(), name: 'value' })
  const list = backend.register(IDS.list, 'op', { ...listState<unknown>(), name: 'list' })
  const map = backend.register(IDS.map, 'op', { ...mapState<Key, unknown>(), name: 'map' })
  const timers = backend.timers('op', IDS.event, IDS.processing)
  return { value, list, map, timers }
}

/** All state as text by (state, key, namespace, sub-key): what a backend should hold, and what contents do hold. */
export type Model = Map<string, string>

export function cellId(state: keyof typeof IDS, key: Key, namespace: Key | undefined): string {
  return `${state} ${show(key)} ${namespace === undefined ? '-' : show(namespace)}`
}

/** Exact: −0, bigint and undefined show. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join()}]`
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, field]) => `${JSON.stringify(name)}:${show(field)}`)
      .join()}}`
  }
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  return Object.is(value, -0) ? '-0' : String(value)
}

/** Reads contents as a model, by the format alone. */
export function modelOf(contents: Contents): Model {
  const model: Model = new Map()
  const lists = new Map<string, { full: unknown[]; last: unknown[] }>()
  const names = new Map<number, keyof typeof IDS>(
    (Object.keys(IDS) as (keyof typeof IDS)[]).map((name) => [IDS[name], name]),
  )
  for (const entry of toRestore(contents)) {
    const state = names.get(stateIdIn(entry.key))!
    if (state === 'event' || state === 'processing') {
      const timer = readTimerKey(entry.key)
      model.set(`${cellId(state, timer.key, timer.namespace)} @${timer.timestamp}`, '')
      continue
    }
    const { key, namespace, subKey } = readEntryKey(entry.key)
    const id = cellId(state, key, namespace)
    if (state === 'map')
      model.set(`${id} ${show(readKey(subKey))}`, show(readEntryValue(entry.value)))
    else if (state === 'list') {
      const elements = readEntryValue(entry.value) as unknown[]
      // The last piece comes first.
      if (readPiece(subKey) === 0) lists.set(id, { full: [], last: elements })
      else lists.get(id)!.full.push(...elements)
    } else model.set(id, show(readEntryValue(entry.value)))
  }
  for (const [id, { full, last }] of lists) model.set(id, show([...full, ...last]))
  return model
}

/** The same state kept in plain maps: what everything is compared with. */
export class PlainState {
  readonly values: Map<string, unknown> = new Map()
  readonly lists: Map<string, unknown[]> = new Map()
  readonly maps: Map<string, Map<string | number | bigint, readonly [Key, unknown]>> = new Map()
  /** By domain: cell id and timestamp. */
  readonly timers: { event: Map<string, number>; processing: Map<string, number> } = {
    event: new Map(),
    processing: new Map(),
  }

  mapOf(id: string): Map<string | number | bigint, readonly [Key, unknown]> {
    let map = this.maps.get(id)
    if (map === undefined) {
      map = new Map()
      this.maps.set(id, map)
    }
    return map
  }

  put(id: string, key: Key, value: unknown): void {
    this.mapOf(id).set(canonicalKey(key), [key, value])
  }

  model(): Model {
    const model: Model = new Map()
    for (const [id, value] of this.values) model.set(id, show(value))
    for (const [id, list] of this.lists) model.set(id, show(list))
    for (const [id, map] of this.maps) {
      for (const [key, value] of map.values()) model.set(`${id} ${show(key)}`, show(value))
    }
    for (const timers of [this.timers.event, this.timers.processing]) {
      for (const id of timers.keys()) model.set(id, '')
    }
    return model
  }
}
