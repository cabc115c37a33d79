import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { openSnapshot, type SnapshotEntry } from '../../../runtime/inspect/snapshot.ts'
import { canonicalKey } from '../../../runtime/key-encoding.ts'
import type { Key } from '../../../runtime/key.ts'
import { encodeValue } from '../../../runtime/value-codec.ts'
import { exactly } from '../../harness/exactly.ts'
import { temporaryFolders } from '../job/temporary-folder.ts'
import { ChainSnapshots } from './chain-snapshot.ts'

const makeFolder = temporaryFolders()

const KEYS: readonly Key[] = ['a', 'b', 1, 1n, '1', ['a', 'b'], 'ab', new Uint8Array([0, 1]), -7.5]
const NAMESPACES: readonly (Key | undefined)[] = [undefined, undefined, 7, ['w', 7]]
const STATES = ['value', 'list', 'map', 'sum', 'average', 'timed', 'timers'] as const

interface Step {
  readonly state: (typeof STATES)[number]
  readonly key: Key
  readonly namespace: Key | undefined
  readonly mapKey: Key
  readonly number: number
  readonly isClear: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  state: fc.constantFrom(...STATES),
  key: fc.constantFrom(...KEYS),
  namespace: fc.constantFrom(...NAMESPACES),
  mapKey: fc.constantFrom<Key>('x', 3, 3n, ['x', 1]),
  number: fc.integer({ min: 1, max: 1_000 }),
  isClear: fc.boolean(),
})

/** The same in plain maps: state → place → value. */
class Model {
  readonly entries: Map<string, string> = new Map()

  apply({ state, key, namespace, mapKey, number, isClear }: Step): void {
    const place = placeOf(state, { key, namespace })
    const before = this.entries.get(place)
    if (state === 'map') {
      const entry = placeOf('map', { key, namespace, mapKey })
      if (!isClear) this.entries.set(entry, exactly(number))
      else if (number % 2 === 0) this.entries.delete(entry)
      else {
        for (const one of this.entries.keys()) {
          if (one.startsWith(`${place} `)) this.entries.delete(one)
        }
      }
    } else if (state === 'timers') {
      const timer = placeOf('!event-timers', { key, namespace, mapKey: number })
      if (isClear) this.entries.delete(timer)
      else this.entries.set(timer, exactly(number))
    } else if (isClear) this.entries.delete(place)
    else if (state === 'list') {
      this.entries.set(
        place,
        before === undefined ? `[${number}]` : `${before.slice(0, -1)}, ${number}]`,
      )
    } else if (state === 'sum') this.entries.set(place, exactly(Number(before ?? 0) + number))
    else if (state === 'average') {
      const [sum = 0, count = 0] = [...(before ?? '').matchAll(/: (\d+)/g)].map(([, one]) =>
        Number(one),
      )
      this.entries.set(place, exactly({ sum: sum + number, count: count + 1 }))
    } else this.entries.set(place, exactly({ n: number }))
  }
}

function placeOf(
  state: string,
  { key, namespace, mapKey }: { key: Key; namespace: Key | undefined; mapKey?: Key | undefined },
): string {
  const parts = [key, namespace, ...(mapKey === undefined ? [] : [mapKey])]
  return [
    state,
    ...parts.map((one) =>
      one === undefined ? '-' : Buffer.from(encodeValue(one, '')).toString('hex'),
    ),
  ].join(' ')
}

function apply(snapshots: ChainSnapshots, one: Step): void {
  const { state, key, namespace, mapKey, number, isClear } = one
  snapshots.at(key, namespace, (states) => {
    if (state === 'timers') {
      if (isClear) states.timers.delete('event', number)
      else states.timers.register('event', number)
    } else if (state === 'map' && isClear && number % 2 === 0) states.map.remove(mapKey)
    else if (isClear) states[state].clear()
    else if (state === 'map') states.map.put(mapKey, number)
    else if (state === 'list') states.list.add(number)
    else if (state === 'sum' || state === 'average') states[state].add(number)
    else states[state].update({ n: number })
  })
}

async function contentsOf(path: string): Promise<Map<string, string>> {
  const snapshot = await openSnapshot(path)
  const found = new Map<string, string>()
  for (const { name, kind } of snapshot.states()) {
    for await (const entry of snapshot.entries({ uid: 'op', state: name })) {
      const isTimer = kind === 'timers'
      const mapKey = isTimer ? (entry.value as number) : entry.mapKey
      const place = placeOf(name, { ...entry, mapKey })
      expect(found.has(place)).toBe(false)
      found.set(place, exactly(entry.value))
    }
  }
  await snapshot.close()
  return found
}

const sorted = (entries: ReadonlyMap<string, string>): [string, string][] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1))

describe('a snapshot of a chain of checkpoints', () => {
  it('holds what the states held, of every kind, through changes, deletes and clears (R24, R18, R19)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 10, maxLength: 60 }), { minLength: 1, maxLength: 4 }),
        async (checkpoints) => {
          const snapshots = await ChainSnapshots.create(await makeFolder())
          const model = new Model()
          let path = ''
          for (const steps of checkpoints) {
            for (const one of steps) {
              apply(snapshots, one)
              model.apply(one)
            }
            path = await snapshots.take()
          }
          expect(sorted(await contentsOf(path))).toEqual(sorted(model.entries))
          await snapshots.close()
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('reading a snapshot', () => {
  let snapshots: ChainSnapshots

  beforeEach(async () => {
    snapshots = await ChainSnapshots.create(await makeFolder())
    return () => snapshots.close()
  })

  it('finds one key, in the default namespace or another', async () => {
    snapshots.at('a', undefined, ({ value, list, map, sum, average, timers }) => {
      value.update('v')
      list.addAll([1, 2])
      map.put('x', 1)
      map.put(3n, 2)
      sum.add(4)
      average.add(4)
      timers.register('event', 9)
      timers.register('event', 8)
    })
    snapshots.at('a', 7, ({ value }) => value.update('in seven'))
    const snapshot = await openSnapshot(await snapshots.take())
    const get = (state: string, key: Key, namespace?: Key) =>
      snapshot.get({ uid: 'op', state }, key, namespace)
    expect(await get('value', 'a')).toBe('v')
    expect(await get('value', 'a', 7)).toBe('in seven')
    expect(await get('value', 'a', '7')).toBeUndefined()
    expect(await get('value', 'b')).toBeUndefined()
    expect(await get('list', 'a')).toEqual([1, 2])
    expect(await get('map', 'a')).toEqual(
      new Map<Key, number>([
        [3n, 2],
        ['x', 1],
      ]),
    )
    expect(await get('sum', 'a')).toBe(4)
    expect(await get('average', 'a')).toEqual({ sum: 4, count: 1 })
    expect(await get('!event-timers', 'a')).toEqual([8, 9])
    await snapshot.close()
  })

  it('tells 1, "1" and 1n apart, and tuples from what they are made of (R19)', async () => {
    for (const key of KEYS) snapshots.at(key, undefined, ({ value }) => value.update(exactly(key)))
    const snapshot = await openSnapshot(await snapshots.take())
    for (const key of KEYS) {
      expect(await snapshot.get({ uid: 'op', state: 'value' }, key)).toBe(exactly(key))
    }
    await snapshot.close()
  })

  it('goes through a state in the order of key groups, keys and map keys, of some key groups if asked (R17)', async () => {
    for (let key = 0; key < 50; key++) {
      snapshots.at(key, undefined, ({ map }) => {
        for (const mapKey of ['b', 'a', 10, 9]) map.put(mapKey, key)
      })
    }
    const snapshot = await openSnapshot(await snapshots.take())
    const all: SnapshotEntry[] = []
    for await (const entry of snapshot.entries({ uid: 'op', state: 'map' })) all.push(entry)
    expect(all).toHaveLength(200)
    expect(all.slice(0, 4).map(({ mapKey }) => mapKey)).toEqual([9, 10, 'a', 'b'])
    const some: SnapshotEntry[] = []
    const keyGroups = { first: 60, last: 70 }
    for await (const entry of snapshot.entries({ uid: 'op', state: 'map' }, { keyGroups })) {
      some.push(entry)
    }
    expect(some.length).toBeGreaterThan(0)
    const at = all.findIndex(({ key }) => key === some[0]!.key)
    expect(all.slice(at, at + some.length)).toEqual(some)
    await snapshot.close()
  })

  it('tells versions and times of last access (semantics 2.17)', async () => {
    snapshots.at('a', undefined, ({ value, timed }) => {
      value.update(1)
      timed.update(2)
    })
    const snapshot = await openSnapshot(await snapshots.take())
    const [plain] = await snapshot.entriesOf({ uid: 'op', state: 'value' }, 'a')
    expect(plain).toMatchObject({ value: 1, version: 3, lastAccess: undefined })
    const [timed] = await snapshot.entriesOf({ uid: 'op', state: 'timed' }, 'a')
    expect(timed).toMatchObject({ value: 2, version: 1, timeDomain: 'processing' })
    expect(timed!.lastAccess).toBeGreaterThan(1.6e12)
    await snapshot.close()
  })

  it('measures states, and tells watermarks and what a job has dropped', async () => {
    for (const key of KEYS) {
      snapshots.at(key, undefined, ({ value, list, timers }) => {
        value.update('x')
        list.addAll([1, 2, 3])
        timers.register('event', 100 + KEYS.indexOf(key))
      })
    }
    snapshots.at('a', undefined, ({ list }) => list.clear())
    const path = await snapshots.take()
    const snapshot = await openSnapshot(path)
    const measured = await snapshot.measure()
    const of = (name: string) => measured.find((state) => state.name === name)
    expect(of('value')).toMatchObject({ entries: 9, versions: [3], isDropped: false })
    expect(of('list')).toMatchObject({ entries: 8, versions: [1] })
    expect(of('!event-timers')).toMatchObject({ entries: 9, earliest: 100, versions: [] })
    expect(of('map')).toMatchObject({ entries: 0, bytes: 0, versions: [] })
    expect(snapshot.watermarks()).toEqual([{ uid: 'op', lowest: 5, highest: 6 }])
    await snapshot.close()
  })

  it('names what is near an unknown uid or state', async () => {
    const snapshot = await openSnapshot(await snapshots.take())
    expect(() => snapshot.entries({ uid: 'op', state: 'valu' })).toThrow('did you mean "value"?')
    expect(() => snapshot.entries({ uid: 'opp', state: 'value' })).toThrow('did you mean "op"?')
    await expect(snapshot.get({ uid: 'op', state: 'value' }, NaN)).rejects.toMatchObject({
      code: 'MR_KEY_INVALID',
    })
    await snapshot.close()
  })

  it('stays readable while a run retires it', async () => {
    for (let key = 0; key < 2_000; key++) {
      snapshots.at(key, undefined, ({ value }) => value.update('x'.repeat(100)))
    }
    const snapshot = await openSnapshot(dirname(await snapshots.take()))
    await rm(snapshots.directory, { recursive: true })
    let count = 0
    for await (const { value } of snapshot.entries({ uid: 'op', state: 'value' })) {
      expect(value).toHaveLength(100)
      count++
    }
    expect(count).toBe(2_000)
    await snapshot.close()
  })

  it('reads only the blocks of the key group for one key', async () => {
    for (let key = 0; key < 3_000; key++) {
      snapshots.at(key, undefined, ({ value }) => value.update('x'.repeat(1_000)))
    }
    const path = await snapshots.take()
    const { findSnapshot } = await import('../../../runtime/inspect/find-snapshot.ts')
    const { Snapshot } = await import('../../../runtime/inspect/snapshot.ts')
    const found = await findSnapshot(path)
    let bytes = 0
    const { read } = found.files
    found.files.read = (name, offset, length) => {
      bytes += length
      return read.call(found.files, name, offset, length)
    }
    const snapshot = new Snapshot(found)
    expect(await snapshot.get({ uid: 'op', state: 'value' }, 5)).toHaveLength(1_000)
    expect(bytes).toBeLessThan(256 * 1_024)
    await snapshot.close()
  })
})

describe('comparing snapshots', () => {
  it('finds what was added, removed and changed, of every state (semantics 2.8)', async () => {
    const snapshots = await ChainSnapshots.create(await makeFolder())
    snapshots.at('stays', undefined, ({ value, map }) => {
      value.update(1)
      map.put('x', 1)
    })
    snapshots.at('goes', undefined, ({ value, timers }) => {
      value.update(1)
      timers.register('event', 5)
    })
    const before = await openSnapshot(await snapshots.take())
    snapshots.at('stays', undefined, ({ map, value }) => {
      map.put('x', 2)
      map.put('y', 3)
      value.update(1)
    })
    snapshots.at('goes', undefined, ({ value, timers }) => {
      value.clear()
      timers.delete('event', 5)
    })
    snapshots.at('comes', 7, ({ list }) => list.add(1))
    const after = await openSnapshot(await snapshots.take())
    const changes: unknown[] = []
    for await (const { change, state, before: was, after: is } of before.diff(after)) {
      changes.push([change, state, (is ?? was)!.key, was?.value, is?.value])
    }
    expect(changes).toEqual([
      ['removed', '!event-timers', 'goes', 5, undefined],
      ['added', 'list', 'comes', undefined, [1]],
      ['changed', 'map', 'stays', 1, 2],
      ['added', 'map', 'stays', undefined, 3],
      ['removed', 'value', 'goes', 1, undefined],
    ])
    for await (const change of after.diff(after)) expect.unreachable(String(change.uid))
    await before.close()
    await after.close()
    await snapshots.close()
  })

  it('compares long lists by their elements, however they are cut', async () => {
    const long = Array.from({ length: 3_000 }, (_, n) => n)
    const [a, b] = [
      await ChainSnapshots.create(await makeFolder()),
      await ChainSnapshots.create(await makeFolder()),
    ]
    a.at('k', undefined, ({ list }) => list.update(long))
    for (const n of long) b.at('k', undefined, ({ list }) => list.add(n))
    const before = await openSnapshot(await a.take())
    const after = await openSnapshot(await b.take())
    const of = async (snapshot: typeof before) =>
      (await snapshot.measure()).find(({ name }) => name === 'list')!.entries
    expect([await of(before), await of(after)]).toEqual([1, 1])
    expect(await after.get({ uid: 'op', state: 'list' }, 'k')).toEqual(long)
    for await (const change of before.diff(after)) expect.unreachable(change.state)
    b.at('k', undefined, ({ list }) => list.add('more'))
    const later = await openSnapshot(await b.take())
    const changes: unknown[] = []
    for await (const { change, state, before: was, after: is } of before.diff(later)) {
      changes.push([change, state, was?.value, is?.value])
    }
    expect(changes).toEqual([['changed', 'list', long, [...long, 'more']]])
    for (const one of [before, after, later, a, b]) await one.close()
  })

  it('says so where keys are in other key groups', async () => {
    const [a, b] = [
      await ChainSnapshots.create(await makeFolder()),
      await ChainSnapshots.create(await makeFolder()),
    ]
    const before = await openSnapshot(await a.take())
    const after = await openSnapshot(await b.take({ maxParallelism: 256 }))
    await expect(before.diff(after).next()).rejects.toMatchObject({
      code: 'MR_MAX_PARALLELISM_CHANGED',
    })
    for (const one of [before, after, a, b]) await one.close()
  })
})

it('the test tells keys apart', () => {
  expect(new Set(KEYS.map(canonicalKey)).size).toBe(KEYS.length)
})
