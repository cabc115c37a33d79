import fc from 'fast-check'
import { expect } from 'vitest'
import { readKey } from '../../runtime/key-encoding.ts'
import type { Key } from '../../runtime/key.ts'
import {
  readEntryKey,
  readEntryValue,
  readPiece,
  stateIdIn,
  versionOf,
} from '../../runtime/state/snapshot-format.ts'
import type { KeyedStateBackend } from '../../runtime/state/state-backend.ts'
import {
  type ListState,
  listState,
  type MapState,
  mapState,
  type ReducingState,
  reducingState,
  type ValueState,
  valueState,
} from '../../runtime/state/state.ts'
import type { PlainStateOptions, StateOptions } from '../../runtime/state/state-options.ts'
import {
  applySegment,
  type Contents,
  encodeAll,
  NO_CONTENTS,
  toRestore,
  turn,
  within,
} from './state-harness.ts'

export type Version = 1 | 2 | 3

/** What a number is stored as, by version. */
export function shapeOf(n: number, version: Version): unknown {
  if (version === 1) return n
  return version === 2 ? { n } : { n, text: `number ${n}` }
}

/** They take nothing but what the version before has, so that none is applied twice, or to what is newer. */
const UPCASTS = {
  1: (old: unknown) => {
    if (typeof old !== 'number') throw new Error(`${JSON.stringify(old)} is not of version 1`)
    return { n: old }
  },
  2: (old: { readonly n: number }) => {
    if (Object.keys(old).join() !== 'n')
      throw new Error(`${JSON.stringify(old)} is not of version 2`)
    return { n: old.n, text: `number ${old.n}` }
  },
}

/** The options of a state in a job that has come so far. */
export function optionsAt(version: Version): StateOptions {
  const upcasts = version === 1 ? undefined : version === 2 ? { 1: UPCASTS[1] } : UPCASTS
  const options: PlainStateOptions = { version, ...(upcasts === undefined ? {} : { upcasts }) }
  return options as StateOptions
}

const NAMES = ['value', 'list', 'map', 'reducing'] as const
type Name = (typeof NAMES)[number]

interface VersionedHandles {
  readonly value: ValueState<unknown>
  readonly list: ListState<unknown>
  readonly map: MapState<Key, unknown>
  readonly reducing: ReducingState<unknown>
}

function numberOf(stored: unknown): number {
  return typeof stored === 'number' ? stored : (stored as { readonly n: number }).n
}

/** One state of each kind, at a version, with ids from 1 on in the order of `NAMES`. */
export function registerAt(backend: KeyedStateBackend, version: Version): VersionedHandles {
  const options = optionsAt(version)
  const sum = (a: unknown, b: unknown) => shapeOf(numberOf(a) + numberOf(b), version)
  return {
    value: backend.register(1, 'op', { ...valueState<unknown>(options), name: 'value' }),
    list: backend.register(2, 'op', { ...listState<unknown>(options), name: 'list' }),
    map: backend.register(3, 'op', { ...mapState<Key, unknown>(options), name: 'map' }),
    reducing: backend.register(4, 'op', { ...reducingState(sum, options), name: 'reducing' }),
  }
}

const KEYS = ['a', 'b', 7] as const
const MAP_KEYS = ['x', 'y', 3] as const
const NAMESPACES = [undefined, 'w'] as const

export interface UpcastStep {
  readonly what:
    | 'read'
    | 'write'
    | 'remove'
    | 'visit'
    | 'work'
    | 'turn'
    | 'begin'
    | 'complete'
    | 'abort'
    | 'restart'
  readonly name: Name
  readonly key: number
  readonly sub: number
  readonly namespace: number
  readonly n: number
  /** Of a restart: the job has been edited; all that is restored counts as changed. */
  readonly isNewer: boolean
  readonly asChanges: boolean
}

export const upcastSteps: fc.Arbitrary<readonly UpcastStep[]> = fc.array(
  fc.record({
    what: fc.constantFrom<UpcastStep['what'][]>(
      ...(['read', 'read', 'read', 'write', 'write', 'write', 'write', 'remove', 'visit'] as const),
      ...(['work', 'turn', 'begin', 'begin', 'complete', 'complete', 'abort', 'restart'] as const),
    ),
    name: fc.constantFrom(...NAMES),
    key: fc.nat({ max: KEYS.length - 1 }),
    sub: fc.nat({ max: MAP_KEYS.length - 1 }),
    namespace: fc.nat({ max: NAMESPACES.length - 1 }),
    n: fc.nat({ max: 9 }),
    isNewer: fc.boolean(),
    asChanges: fc.boolean(),
  }),
  { minLength: 20, maxLength: 150, size: 'max' },
)

/** Numbers by cell, whatever they are stored as. A cell: state, key, namespace and map key as text. */
type Numbers = ReadonlyMap<string, readonly number[]>

function cellOf(name: Name, key: Key, namespace: Key | undefined, sub?: Key): string {
  return [name, key, namespace ?? '-', ...(name === 'map' ? [sub] : [])].join(' ')
}

interface Taken {
  readonly id: number
  readonly base: number
  readonly snapshot: ReturnType<KeyedStateBackend['beginSnapshot']>
  readonly expected: Numbers
  /** Cells that have been used since the job has its version. */
  readonly used: ReadonlySet<string>
}

/** Plays steps on a backend whose job is edited now and then, and on plain numbers; fails where they differ. */
export class UpcastPlay {
  readonly #create: () => KeyedStateBackend
  #backend!: KeyedStateBackend
  #handles!: VersionedHandles
  #version: Version = 1
  #numbers = new Map<string, readonly number[]>()
  #used = new Set<string>()
  #contents: Contents = NO_CONTENTS
  #completed: Numbers = new Map()
  #base = 0
  #lastId = 0
  #taken: Taken | undefined

  constructor(create: () => KeyedStateBackend) {
    this.#create = create
  }

  async run(steps: readonly UpcastStep[]): Promise<void> {
    await this.#start(false)
    try {
      for (const step of steps) await this.#step(step)
      this.#abort()
      this.#begin()
      this.#complete()
      for (const version of [2, 3] as const) {
        if (version > this.#version) this.#version = version
        await this.#start(version === 2)
        this.#readAll()
        this.#begin()
        this.#complete()
        expect(versionsIn(this.#contents)).toEqual(
          new Set(this.#contents.size === 0 ? [] : [this.#version]),
        )
      }
    } finally {
      await this.#backend.close()
    }
  }

  async #start(asChanges: boolean): Promise<void> {
    this.#backend = this.#create()
    this.#handles = registerAt(this.#backend, this.#version)
    await this.#backend.restore(toRestore(this.#contents), { asChanges })
    this.#numbers = new Map(this.#completed)
    this.#used = new Set()
    this.#taken = undefined
    if (!asChanges) return
    this.#contents = NO_CONTENTS
    this.#begin()
    this.#complete()
  }

  async #step(step: UpcastStep): Promise<void> {
    const { what } = step
    if (what === 'turn') await turn()
    else if (what === 'work') this.#backend.work(-Infinity)
    else if (what === 'visit') await this.#visit()
    else if (what === 'begin') this.#begin()
    else if (what === 'complete') this.#complete()
    else if (what === 'abort') this.#abort()
    else if (what === 'restart') {
      await this.#backend.close()
      if (step.isNewer && this.#version < 3) this.#version = (this.#version + 1) as Version
      await this.#start(step.asChanges)
    } else this.#use(step)
  }

  #use(step: UpcastStep): void {
    const key = KEYS[step.key]!
    const namespace = NAMESPACES[step.namespace]
    const sub = MAP_KEYS[step.sub]!
    const cell = cellOf(step.name, key, namespace, sub)
    within(
      this.#backend,
      key,
      () => {
        if (step.what === 'read') this.#read(step.name, cell, sub)
        else if (step.what === 'remove') this.#remove(step.name, cell, sub)
        else this.#write(step.name, cell, sub, step.n)
      },
      namespace,
    )
  }

  #read(name: Name, cell: string, sub: Key): void {
    const { value, list, map, reducing } = this.#handles
    const shapes = (this.#numbers.get(cell) ?? []).map((n) => shapeOf(n, this.#version))
    if (name === 'list') expect(list.get()).toEqual(shapes)
    else {
      const found =
        name === 'value' ? value.value() : name === 'map' ? map.get(sub) : reducing.get()
      expect(found).toEqual(shapes[0])
    }
    if (this.#numbers.has(cell)) this.#used.add(cell)
  }

  #remove(name: Name, cell: string, sub: Key): void {
    if (name === 'map') this.#handles.map.remove(sub)
    else this.#handles[name].clear()
    this.#numbers.delete(cell)
    this.#used.delete(cell)
  }

  #write(name: Name, cell: string, sub: Key, n: number): void {
    const { value, list, map, reducing } = this.#handles
    const before = this.#numbers.get(cell) ?? []
    const shape = shapeOf(n, this.#version)
    if (name === 'value') value.update(shape)
    else if (name === 'map') map.put(sub, shape)
    else if (name === 'list') list.add(shape)
    else reducing.add(shape)
    this.#used.add(cell)
    if (name === 'list') this.#numbers.set(cell, [...before, n])
    else this.#numbers.set(cell, [name === 'reducing' ? n + (before[0] ?? 0) : n])
  }

  /** Every key that has a value, which the visit looks at to know it. */
  async #visit(): Promise<void> {
    const found: Key[] = []
    const visit = this.#backend.visitKeys(this.#handles.value, (key) => {
      found.push(key)
      this.#read('value', cellOf('value', key, undefined), 'x')
    })
    while (!visit.run(Infinity)) {
      while (this.#backend.work(Infinity));
      await turn()
    }
    const there = KEYS.filter((key) => this.#numbers.has(cellOf('value', key, undefined)))
    expect(new Set(found)).toEqual(new Set(there))
  }

  #readAll(): void {
    for (const key of KEYS) {
      for (const namespace of NAMESPACES) {
        within(
          this.#backend,
          key,
          () => {
            for (const name of NAMES) {
              for (const sub of name === 'map' ? MAP_KEYS : ['x']) {
                this.#read(name, cellOf(name, key, namespace, sub), sub)
              }
            }
          },
          namespace,
        )
      }
    }
  }

  #begin(): void {
    this.#abort()
    const id = ++this.#lastId
    const snapshot = this.#backend.beginSnapshot(id, this.#base)
    const expected = new Map(this.#numbers)
    this.#taken = { id, base: this.#base, snapshot, expected, used: new Set(this.#used) }
  }

  #abort(): void {
    if (this.#taken !== undefined) this.#backend.checkpointAborted(this.#taken.id)
    this.#taken = undefined
  }

  #complete(): void {
    const taken = this.#taken
    if (taken === undefined) return
    this.#contents = applySegment(this.#contents, encodeAll(this.#backend, taken.snapshot))
    this.#backend.checkpointCompleted(taken.id)
    this.#base = taken.id
    this.#completed = taken.expected
    this.#taken = undefined
    this.#checkContents(taken)
  }

  /** What is stored means the right numbers, each in one version; what has been used is of the newest. */
  #checkContents({ expected, used }: Taken): void {
    const found = new Map<string, readonly number[]>()
    const full = new Map<string, readonly number[]>()
    for (const entry of toRestore(this.#contents)) {
      const name = NAMES[stateIdIn(entry.key) - 1]!
      const { key, namespace, subKey } = readEntryKey(entry.key)
      const piece = name === 'list' ? readPiece(subKey) : 0
      const cell = cellOf(name, key, namespace, name === 'map' ? readKey(subKey) : undefined)
      const version = versionOf(entry.value) as Version
      const stored = readEntryValue(entry.value)
      const values = name === 'list' ? (stored as unknown[]) : [stored]
      const numbers = values.map(numberOf)
      expect(values).toEqual(numbers.map((n) => shapeOf(n, version)))
      // Adding uses the last piece of a list.
      if (used.has(cell) && piece === 0) expect(version).toBe(this.#version)
      if (piece === 0) found.set(cell, numbers)
      else full.set(cell, [...(full.get(cell) ?? []), ...numbers])
    }
    for (const [cell, numbers] of full) found.set(cell, [...numbers, ...found.get(cell)!])
    expect(found).toEqual(expected)
  }
}

function versionsIn(contents: Contents): Set<number> {
  return new Set([...contents.values()].map((entry) => versionOf(entry.value)))
}
