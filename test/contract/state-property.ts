import fc from 'fast-check'
import { expect } from 'vitest'
import { canonicalKey, encodeKey } from '../../runtime/key-encoding.ts'
import type { Key } from '../../runtime/key.ts'
import type {
  KeyedStateBackend,
  StateSnapshot,
  TimeDomain,
} from '../../runtime/state/state-backend.ts'
import { restoreInto } from './fake-base.ts'
import {
  applySegment,
  type Contents,
  encodeAll,
  enter,
  hex,
  NO_CONTENTS,
  popTimer,
  turn,
  within,
} from './state-harness.ts'
import {
  cellId,
  type Handles,
  type Model,
  modelOf,
  PlainState,
  registerAll,
  show,
} from './state-model.ts'

const KEYS: readonly Key[] = [
  'a',
  'b',
  'a much longer key than the others',
  1,
  -0,
  1n,
  '1',
  ['a', 'b'],
  'ab',
  new Uint8Array([0, 1]),
]
const NAMESPACES: readonly (Key | undefined)[] = [undefined, undefined, 'w', 7, ['w', 7]]
const MAP_KEYS: readonly Key[] = [3, -1, 'x', 'Xy', ['x', 1], 20n, 'a map key that is rather long']

export interface Step {
  readonly what:
    | 'update'
    | 'mutate'
    | 'clear'
    | 'read'
    | 'add'
    | 'add-all'
    | 'update-list'
    | 'mutate-list'
    | 'clear-list'
    | 'put'
    | 'remove'
    | 'clear-map'
    | 'iterate'
    | 'register'
    | 'delete'
    | 'pop'
    | 'work'
    | 'work-all'
    | 'turn'
    | 'load'
    | 'begin'
    | 'encode'
    | 'complete'
    | 'abort'
    | 'restore'
    | 'restore-as-changes'
  readonly key: number
  readonly namespace: number
  readonly sub: number
  readonly data: number
}

function stepOf(...what: Step['what'][]): fc.Arbitrary<Step> {
  return fc.record({
    what: fc.constantFrom(...what),
    key: fc.nat({ max: KEYS.length - 1 }),
    namespace: fc.nat({ max: NAMESPACES.length - 1 }),
    sub: fc.nat({ max: MAP_KEYS.length - 1 }),
    data: fc.nat({ max: 5 }),
  })
}

const WRITES = ['update', 'add', 'update-list', 'put', 'put', 'put', 'register'] as const
const CHANGES = [...WRITES, 'clear', 'clear-list', 'remove', 'remove', 'clear-map'] as const
const at = { key: 0, namespace: 0, sub: 0 }

/** Something is written, checkpointed and restored, to be loaded while what follows is done: few keys, all of them used. */
const ALL_LOADED: Step = { ...at, what: 'load', data: 40 }

export const stepsOnRestored: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(stepOf(...WRITES), { minLength: 30, maxLength: 60, size: 'max' }),
    fc.array(
      fc.array(
        stepOf(
          ...CHANGES,
          ...CHANGES,
          'read',
          'iterate',
          'work',
          'work',
          'work-all',
          'turn',
          'load',
        ),
        { minLength: 10, maxLength: 60, size: 'max' },
      ),
      { minLength: 1, maxLength: 3, size: 'max' },
    ),
  )
  .map(([writes, rounds]) => {
    const restore: readonly Step[] = [
      { ...at, what: 'begin', data: 1 },
      { ...at, what: 'complete', data: 0 },
      { ...at, what: 'restore', data: 1 },
    ]
    return [...writes, ...rounds.flatMap((round) => [...restore, ...round]), ALL_LOADED]
  })

/** Checkpoint steps come often enough that most runs see several. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  stepOf(
    'update',
    'update',
    'mutate',
    'clear',
    'read',
    'add',
    'add',
    'update-list',
    'clear-list',
    'put',
    'put',
    'put',
    'remove',
    'remove',
    'clear-map',
    'iterate',
    'register',
    'register',
    'delete',
    'pop',
    'work',
    'work-all',
    'turn',
    'begin',
    'begin',
    'encode',
    'complete',
    'complete',
    'abort',
    'restore',
    'restore-as-changes',
  ),
  { minLength: 10, maxLength: 120 },
)

/** Lists above all, of two keys, that grow until they are cleared or replaced. */
export const listSteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    what: fc.constantFrom<Step['what'][]>(
      ...Array.from({ length: 12 }, () => 'add' as const),
      'add-all',
      'add-all',
      'update-list',
      'mutate-list',
      'clear-list',
      'read',
      'read',
      'work',
      'work',
      'work-all',
      'turn',
      'load',
      'begin',
      'begin',
      'encode',
      'complete',
      'complete',
      'abort',
      'restore',
      'restore-as-changes',
    ),
    key: fc.nat({ max: 1 }),
    namespace: fc.constantFrom(0, 0, 0, 2),
    sub: fc.nat({ max: MAP_KEYS.length - 1 }),
    data: fc.nat({ max: 9 }),
  }),
  { minLength: 30, maxLength: 200, size: 'max' },
)

/** Timers above all, many of them. */
export const timerSteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    what: fc.constantFrom<Step['what'][]>(
      ...Array.from({ length: 12 }, () => 'register' as const),
      ...Array.from({ length: 4 }, () => 'delete' as const),
      ...Array.from({ length: 8 }, () => 'pop' as const),
      'work',
      'work',
      'work-all',
      'turn',
      'begin',
      'encode',
      'complete',
      'abort',
      'restore',
      'restore-as-changes',
    ),
    key: fc.nat({ max: KEYS.length - 1 }),
    namespace: fc.nat({ max: NAMESPACES.length - 1 }),
    sub: fc.nat({ max: MAP_KEYS.length - 1 }),
    data: fc.nat({ max: 5 }),
  }),
  { minLength: 100, maxLength: 400, size: 'max' },
)

/** From which size on lists are kept in pieces: most often each element is one by itself, or two are. */
export const pieceBytes: fc.Arbitrary<number> = fc.constantFrom(1, 1, 120, 8_192)

interface Completed {
  readonly contents: Contents
  readonly plain: PlainState
}

interface Taken {
  readonly plain: PlainState
  readonly id: number
  readonly base: number
  readonly snapshot: StateSnapshot
  readonly expected: Model
  /** What the chain of segments up to this one amounts to; set once it has been encoded. */
  contents: Contents | undefined
}

/** Fails unless they are the same. There are thousands of these in each run, and `expect` would take longer than the state. */
function same(found: unknown, wanted: unknown): void {
  if (!Object.is(found, wanted)) expect(found).toBe(wanted)
}

/** Plays steps on a backend and on plain maps; fails where they differ. */
export class StatePlay {
  readonly #create: () => KeyedStateBackend
  #backend: KeyedStateBackend
  #handles: Handles
  #plain = new PlainState()
  #lastId = 0
  /** Completed checkpoints that may still be the base of the next, and what they hold. */
  #completed = new Map<number, Completed>()
  #taken: Taken | undefined

  constructor(create: () => KeyedStateBackend) {
    this.#create = create
    this.#backend = create()
    this.#handles = registerAll(this.#backend)
  }

  async run(all: readonly Step[]): Promise<void> {
    await this.#backend.restore([])
    this.#completed.set(0, { contents: NO_CONTENTS, plain: new PlainState() })
    try {
      for (const step of all) await this.#step(step)
      this.#checkEverything()
      await this.#checkTimers()
    } finally {
      await this.#backend.close()
    }
  }

  async #step(step: Step): Promise<void> {
    switch (step.what) {
      case 'work':
        this.#backend.work(-Infinity)
        return
      case 'work-all':
        while (this.#backend.work(Infinity));
        return
      case 'turn':
        await turn()
        return
      case 'load':
        await this.#load(step.data * 3)
        return
      case 'begin':
        this.#begin(step.data)
        return
      case 'encode':
        this.#encode()
        return
      case 'complete':
        this.#complete()
        return
      case 'abort':
        if (this.#taken !== undefined) this.#backend.checkpointAborted(this.#taken.id)
        this.#taken = undefined
        return
      case 'restore':
      case 'restore-as-changes':
        await this.#restore(step.what === 'restore-as-changes', step.data)
        return
      case 'pop':
        await this.#pop(step)
        return
      default:
        this.#use(step)
    }
  }

  /** Work and turns, so that what is loaded or written in the background comes forward. */
  async #load(turns: number): Promise<void> {
    for (let i = 0; i < turns; i++) {
      this.#backend.work(Infinity)
      await turn()
    }
  }

  #use(step: Step): void {
    const key = KEYS[step.key]!
    const namespace = NAMESPACES[step.namespace]
    const { list, map } = this.#handles
    const plain = this.#plain
    const mapKey = MAP_KEYS[step.sub]!
    const listId = cellId('list', normal(key), namespace)
    const mapId = cellId('map', normal(key), namespace)
    enter(this.#backend, key, namespace)
    switch (step.what) {
      case 'add':
        list.add(valueOf(step))
        plain.lists.set(listId, [...(plain.lists.get(listId) ?? []), valueOf(step)])
        break
      case 'add-all': {
        const elements = Array.from({ length: step.data }, () => valueOf(step))
        list.addAll(elements)
        const all = [...(plain.lists.get(listId) ?? []), ...structuredClone(elements)]
        if (all.length > 0) plain.lists.set(listId, all)
        break
      }
      case 'update-list': {
        const elements = Array.from({ length: step.data }, (_, index) => index * step.sub)
        list.update(elements)
        if (elements.length === 0) plain.lists.delete(listId)
        else plain.lists.set(listId, elements)
        break
      }
      case 'mutate-list':
        this.#mutateList(listId, step)
        break
      case 'clear-list':
        list.clear()
        plain.lists.delete(listId)
        break
      case 'put':
        map.put(mapKey, valueOf(step))
        plain.put(mapId, mapKey, valueOf(step))
        break
      case 'remove':
        map.remove(mapKey)
        plain.mapOf(mapId).delete(canonicalKey(mapKey))
        break
      case 'clear-map':
        map.clear()
        plain.maps.delete(mapId)
        break
      case 'iterate':
        this.#checkMap(mapId)
        break
      default:
        this.#useValueOrTimer(step, key, namespace)
    }
    this.#backend.clearCurrent()
  }

  /** Elements may be changed in place where the whole list is stored again; it is another array by then. */
  #mutateList(id: string, { data }: Step): void {
    const { list } = this.#handles
    const elements = list.get() as unknown[]
    const kept = data % 2 === 0 ? elements : elements.slice(data)
    for (const element of kept) {
      if (typeof element === 'object' && element !== null && 'n' in element) element.n = data
    }
    list.update(kept)
    if (kept.length > 0) this.#plain.lists.set(id, structuredClone(kept))
    else this.#plain.lists.delete(id)
  }

  #useValueOrTimer(step: Step, key: Key, namespace: Key | undefined): void {
    const { value, timers } = this.#handles
    const plain = this.#plain
    const id = cellId('value', normal(key), namespace)
    const domain: TimeDomain = step.sub % 2 === 0 ? 'event' : 'processing'
    const timestamp = [-5, 0, 3, 1e12, Infinity, -Infinity][step.data]!
    const timerId = `${cellId(domain, normal(key), namespace)} @${timestamp}`
    switch (step.what) {
      case 'update':
        value.update(valueOf(step))
        plain.values.set(id, valueOf(step))
        break
      case 'mutate': {
        const current = value.value()
        if (typeof current !== 'object' || current === null || !('n' in current)) break
        ;(current as { n: number }).n = step.data
        value.update(current)
        plain.values.set(id, { ...current })
        break
      }
      case 'clear':
        value.clear()
        plain.values.delete(id)
        break
      case 'read':
        same(show(value.value()), show(plain.values.get(id)))
        same(
          show(this.#handles.list.get()),
          show(plain.lists.get(cellId('list', normal(key), namespace)) ?? []),
        )
        same(this.#handles.list.isEmpty(), !plain.lists.has(cellId('list', normal(key), namespace)))
        this.#checkEntry(cellId('map', normal(key), namespace), MAP_KEYS[step.sub]!)
        break
      case 'register':
        timers.register(domain, timestamp)
        plain.timers[domain].set(timerId, timestamp)
        break
      case 'delete':
        timers.delete(domain, timestamp)
        plain.timers[domain].delete(timerId)
        break
      default:
        throw new Error(`no step ${step.what}`)
    }
  }

  async #pop({ data, sub }: Step): Promise<void> {
    const domain: TimeDomain = data % 2 === 0 ? 'event' : 'processing'
    const timers = this.#plain.timers[domain]
    const earliest = Math.min(Infinity, ...timers.values())
    // Less where the store has to be asked.
    same(this.#handles.timers.earliest(domain) <= earliest, true)
    const queue = this.#handles.timers
    const isHurried = sub % 3 === 0
    const popped = isHurried
      ? queue.pop(domain, data * 1e12)
      : await popTimer(this.#backend, queue, domain, data * 1e12)
    if (isHurried && popped === undefined && queue.isWaiting(domain)) return
    this.#checkPopped(popped, domain, data * 1e12)
  }

  #checkPopped(popped: number | undefined, domain: TimeDomain, upTo: number): void {
    const timers = this.#plain.timers[domain]
    const earliest = Math.min(Infinity, ...timers.values())
    if (timers.size === 0 || earliest > upTo) {
      same(popped, undefined)
      return
    }
    same(popped, earliest)
    const id = cellId(domain, this.#backend.currentKey, this.#backend.currentNamespace)
    same(timers.delete(`${id} @${popped}`), true)
    this.#backend.clearCurrent()
  }

  /** Takes all timers out, and then there are none. */
  async #checkTimers(): Promise<void> {
    const { timers } = this.#handles
    for (const domain of ['event', 'processing'] as const) {
      for (let left = this.#plain.timers[domain].size; left >= 0; left--) {
        const popped = await popTimer(this.#backend, timers, domain, Infinity)
        this.#checkPopped(popped, domain, Infinity)
      }
      expect([timers.earliest(domain), timers.count(domain)]).toEqual([Infinity, 0])
    }
  }

  #checkMap(id: string): void {
    const { map } = this.#handles
    const expected = [...this.#plain.mapOf(id).values()].sort(([a], [b]) =>
      hex(encodeKey(a)) < hex(encodeKey(b)) ? -1 : 1,
    )
    same(map.isEmpty(), expected.length === 0)
    same(show([...map.entries()]), show(expected))
    for (const key of MAP_KEYS) this.#checkEntry(id, key)
  }

  /** By itself: nothing else of the map need be in memory. */
  #checkEntry(id: string, key: Key): void {
    const { map } = this.#handles
    const entry = this.#plain.mapOf(id).get(canonicalKey(key))
    same(map.has(key), entry !== undefined)
    same(show(map.get(key)), show(entry?.[1]))
  }

  // --- Checkpoints ---

  #begin(data: number): void {
    this.#end(data)
    const base = [...this.#completed.keys()].at(-1)!
    const id = (this.#lastId += 1 + (data % 2))
    const snapshot = this.#backend.beginSnapshot(id, base)
    const plain = copyOf(this.#plain)
    this.#taken = { id, base, snapshot, expected: plain.model(), plain, contents: undefined }
  }

  /** The one before ends first, completed or aborted; the backend may learn of it by the next base only. */
  #end(data: number): void {
    const taken = this.#taken
    if (taken === undefined) return
    if (data % 4 < 2) this.#encode()
    if (data % 4 === 0) this.#complete()
    else if (data % 4 === 1) this.#completed.set(taken.id, this.#completionOf(taken))
    else if (data % 4 === 2) this.#backend.checkpointAborted(taken.id)
    this.#taken = undefined
  }

  #encode(): void {
    const taken = this.#taken
    if (taken === undefined || taken.contents !== undefined) return
    const entries = encodeAll(this.#backend, taken.snapshot)
    const keys = entries.map((entry) => hex(entry.key))
    expect(keys).toEqual([...new Set(keys)].sort())
    taken.contents = applySegment(this.#completed.get(taken.base)!.contents, entries)
    expect(sorted(modelOf(taken.contents))).toEqual(sorted(taken.expected))
  }

  #complete(): void {
    this.#encode()
    const taken = this.#taken
    if (taken === undefined) return
    this.#backend.checkpointCompleted(taken.id)
    this.#completed.set(taken.id, this.#completionOf(taken))
    this.#taken = undefined
  }

  #completionOf({ contents, plain }: Taken): Completed {
    return { contents: contents!, plain }
  }

  /** Goes on from the newest completed checkpoint, on a new backend. */
  async #restore(asChanges: boolean, data: number): Promise<void> {
    const [id, { contents, plain }] = [...this.#completed].at(-1)!
    await this.#backend.close()
    this.#backend = this.#create()
    this.#handles = registerAll(this.#backend)
    await restoreInto(this.#backend, contents, { asChanges, isLazy: data % 2 === 1 })
    this.#plain = copyOf(plain)
    this.#taken = undefined
    this.#completed = new Map([[id, { contents: asChanges ? NO_CONTENTS : contents, plain }]])
    if (asChanges) {
      // Nothing can be restored before the first complete checkpoint of the new chain.
      this.#begin(1)
      this.#complete()
    }
  }

  #checkEverything(): void {
    for (const key of KEYS) {
      for (const namespace of new Set(NAMESPACES)) {
        within(
          this.#backend,
          key,
          () => {
            const id = (state: 'value' | 'list' | 'map') => cellId(state, normal(key), namespace)
            same(show(this.#handles.value.value()), show(this.#plain.values.get(id('value'))))
            same(show(this.#handles.list.get()), show(this.#plain.lists.get(id('list')) ?? []))
            this.#checkMap(id('map'))
          },
          namespace,
        )
      }
    }
    this.#begin(1)
    this.#encode()
  }
}

/** As keys come back: −0 is 0. */
function normal(key: Key): Key {
  return key === 0 ? 0 : key
}

function valueOf({ data, sub }: Step): unknown {
  const values = [
    sub,
    { n: sub, text: 'a string that is longer than twelve' },
    `text ${sub}`,
    [1, { n: -0 }],
    null,
    12n,
  ]
  return structuredClone(values[data % values.length])
}

function copyOf(plain: PlainState): PlainState {
  const copy = new PlainState()
  for (const [id, value] of plain.values) copy.values.set(id, structuredClone(value))
  for (const [id, list] of plain.lists) copy.lists.set(id, structuredClone(list))
  for (const [id, map] of plain.maps) copy.maps.set(id, new Map(map))
  for (const domain of ['event', 'processing'] as const) {
    for (const [id, timestamp] of plain.timers[domain]) copy.timers[domain].set(id, timestamp)
  }
  return copy
}

function sorted(model: Model): readonly (readonly [string, string])[] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1))
}
