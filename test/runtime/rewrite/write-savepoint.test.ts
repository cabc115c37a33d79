import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  StreamError,
  valueState,
} from 'millrace'
import {
  bootstrapBroadcast,
  bootstrapState,
  bootstrapTimers,
  changeState,
  dropState,
  openSnapshot,
  putEntries,
  renameState,
  type StateEdits,
  verifySnapshots,
  writeSavepoint,
} from 'millrace/state'
import { canonicalKey } from '../../../runtime/key-encoding.ts'
import { keyGroupOf } from '../../../runtime/key-group.ts'
import type { Key } from '../../../runtime/key.ts'
import { anyKey, anyValue } from '../../harness/arbitrary-values.ts'
import { exactly } from '../../harness/exactly.ts'
import { ChainSnapshots } from '../inspect/chain-snapshot.ts'
import { temporaryFolders } from '../job/temporary-folder.ts'

const makeFolder = temporaryFolders()
let path: string

beforeEach(async () => {
  path = join(await makeFolder(), 'savepoint')
})

/** Every entry of a snapshot as text, by state and place. */
async function contentsOf(where: string): Promise<Map<string, string>> {
  const snapshot = await openSnapshot(where)
  const found = new Map<string, string>()
  let keyGroup = 0
  for (const { uid, name, kind } of snapshot.states()) {
    keyGroup = 0
    for await (const entry of snapshot.entries({ uid, state: name })) {
      const place = [entry.key, entry.namespace, kind === 'timers' ? entry.value : entry.mapKey]
      found.set(`${uid}/${name} ${place.map(placeText).join(' ')}`, exactly(entry.value))
      if (kind === 'broadcast' || kind === 'operator') continue
      const own = keyGroupOf(entry.key, snapshot.maxParallelism)
      expect(own).toBeGreaterThanOrEqual(keyGroup)
      keyGroup = own
    }
  }
  await snapshot.close()
  return found
}

function placeText(key: unknown): string {
  return key === undefined ? '-' : exactly(canonicalKey(key as Key))
}

const sorted = (entries: ReadonlyMap<string, string>): [string, string][] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1))

async function expectVerified(where: string): Promise<void> {
  for await (const { damages } of verifySnapshots(where)) expect(damages).toEqual([])
}

async function* slowly<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value)
}

describe('a savepoint from nothing', () => {
  const place = fc.record({
    key: anyKey,
    namespace: fc.option(anyKey, { nil: undefined }),
  })
  const someValue = anyValue.filter((value) => value !== undefined)
  const entriesOf = <V>(value: fc.Arbitrary<V>) =>
    fc.array(
      fc.tuple(place, value).map(([{ key, namespace }, one]) => ({
        key,
        ...(namespace === undefined ? {} : { namespace }),
        value: one,
      })),
      { maxLength: 30, size: 'max' },
    )

  it('holds the entries that it was filled with, of every kind, key and value (R17, R18, R19)', async () => {
    const values = entriesOf(someValue)
    const lists = entriesOf(fc.array(anyValue, { maxLength: 4 }))
    const maps = entriesOf(
      fc.array(fc.tuple(anyKey, anyValue), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    )
    await fc.assert(
      fc.asyncProperty(
        values,
        lists,
        maps,
        fc.constantFrom(1, 7, 128, 1_024, 32_768),
        async (ofValue, ofList, ofMap, maxParallelism) => {
          const target = join(await makeFolder(), 'savepoint')
          await writeSavepoint({
            path: target,
            job: 'fraud',
            maxParallelism,
            parallelism: 1,
            states: {
              op: {
                value: bootstrapState(valueState<unknown>(), ofValue),
                list: bootstrapState(listState<unknown>(), slowly(ofList)),
              },
              other: { map: bootstrapState(mapState<Key, unknown>(), ofMap) },
            },
          })
          const expected = new Map<string, string>()
          const text = (one: { key: Key; namespace?: Key }) =>
            `${placeText(one.key)} ${placeText(one.namespace)}`
          for (const one of ofValue) expected.set(`op/value ${text(one)} -`, exactly(one.value))
          for (const one of ofList) {
            const at = `op/list ${text(one)} -`
            if (one.value.length > 0) expected.set(at, exactly(one.value))
            else expected.delete(at)
          }
          for (const one of ofMap) {
            for (const [mapKey, value] of one.value) {
              expected.set(`other/map ${text(one)} ${placeText(mapKey)}`, exactly(value))
            }
          }
          expect(sorted(await contentsOf(target))).toEqual(sorted(expected))
          await expectVerified(target)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('holds accumulators, timers, broadcast state and times of last access', async () => {
    const average = aggregatingState({
      create: () => ({ sum: 0, count: 0 }),
      add: (all, value: number) => ({ sum: all.sum + value, count: all.count + 1 }),
      result: (all) => all.sum / all.count,
    })
    const written = await writeSavepoint({
      path,
      job: 'fraud',
      states: {
        op: {
          sum: bootstrapState(
            reducingState((a: number, b: number) => a + b, { version: 2 }),
            [{ key: 'a', value: 5 }],
          ),
          average: bootstrapState(average, [{ key: 'a', value: { sum: 4, count: 2 } }]),
          timed: bootstrapState(listState<number>({ ttl: '1h' }), [
            { key: 'a', value: [1, 2], lastAccess: 1_000 },
            { key: 'b', value: [3] },
          ]),
          '!event-timers': bootstrapTimers('event', [
            { key: 'a', timestamp: 9 },
            { key: 'a', namespace: 7, timestamp: 8 },
          ]),
        },
        rules: {
          limits: bootstrapBroadcast(mapState<string, number>(), [
            ['b', 1],
            ['a', 2],
            ['b', 3],
          ]),
        },
      },
    })
    expect(written).toMatchObject({ path, checkpointId: 1, entries: 6 })
    const snapshot = await openSnapshot(path)
    expect(snapshot).toMatchObject({ kind: 'savepoint', maxParallelism: 1_024, ancestry: [] })
    expect(await snapshot.entriesOf({ uid: 'op', state: 'sum' }, 'a')).toMatchObject([
      { value: 5, version: 2 },
    ])
    expect(await snapshot.get({ uid: 'op', state: 'average' }, 'a')).toEqual({ sum: 4, count: 2 })
    expect(await snapshot.entriesOf({ uid: 'op', state: 'timed' }, 'a')).toMatchObject([
      { value: [1, 2], lastAccess: 1_000, elementAccesses: [1_000, 1_000] },
    ])
    expect(await snapshot.entriesOf({ uid: 'op', state: 'timed' }, 'b')).toMatchObject([
      { value: [3], lastAccess: undefined },
    ])
    expect(await snapshot.get({ uid: 'op', state: '!event-timers' }, 'a')).toEqual([9])
    const limits = [...(await contentsOf(path))].filter(([at]) => at.startsWith('rules/'))
    expect(limits).toEqual([
      ['rules/limits "a" - -', '2'],
      ['rules/limits "b" - -', '3'],
    ])
    await snapshot.close()
  })

  it('sorts what comes in any order, whatever its size', async () => {
    const count = 20_000
    function* all() {
      for (let i = 0; i < count; i++) yield { key: (i * 7_919) % count, value: 'x'.repeat(20) + i }
    }
    const states = { op: { value: bootstrapState(valueState<string>(), all()) } }
    const { entries } = await writeSavepoint({ path, job: 'fraud', states })
    expect(entries).toBe(count)
    const snapshot = await openSnapshot(path)
    for (const i of [0, 1, 777, count - 1]) {
      const key = (i * 7_919) % count
      expect(await snapshot.get({ uid: 'op', state: 'value' }, key)).toBe('x'.repeat(20) + i)
    }
    await snapshot.close()
  })
})

describe('a savepoint from a snapshot', () => {
  let snapshots: ChainSnapshots
  let from: string

  beforeEach(async () => {
    snapshots = await ChainSnapshots.create(await makeFolder())
    for (const key of ['a', 'b', 1, 2n]) {
      snapshots.at(key, undefined, ({ value, list, map, sum, timed, timers }) => {
        value.update(1)
        list.addAll([1, 2])
        map.put('x', 1)
        map.put('y', 2)
        sum.add(3)
        timed.update('t')
        timers.register('event', 5)
      })
    }
    await snapshots.take()
    snapshots.at('b', undefined, ({ value, list }) => {
      value.clear()
      list.add(3)
    })
    from = await snapshots.take({
      subtasksOf: (part) => ({ ...part, operatorState: { op: Uint8Array.of(13, 1, 4, 2) } }),
    })
    return () => snapshots.close()
  })

  async function edited(states: StateEdits): Promise<Map<string, string>> {
    await writeSavepoint({ path, from, states })
    await expectVerified(path)
    return contentsOf(path)
  }

  it('is the same without edits, in a lineage of its own with the other as ancestor (R2)', async () => {
    expect(sorted(await edited({}))).toEqual(sorted(await contentsOf(from)))
    const [before, after] = [await openSnapshot(from), await openSnapshot(path)]
    expect(after.lineage).not.toBe(before.lineage)
    expect(after.ancestry).toEqual([
      { lineage: before.lineage, checkpointId: before.checkpointId },
      ...before.ancestry,
    ])
    expect(after.watermarks()).toEqual(before.watermarks())
    expect(after.parallelism).toBe(before.parallelism)
    for await (const change of before.diff(after)) expect.unreachable(change.state)
    await before.close()
    await after.close()
  })

  it('stands alone: it names files in its own folder only', async () => {
    await edited({})
    expect((await readdir(path)).sort()).toEqual(['manifest.json', 'op-0.seg', 'op-1.seg'])
  })

  it('changes and drops values, with the rest as it was', async () => {
    const expected = await contentsOf(from)
    for (const [at, value] of expected) {
      if (at.startsWith('op/value ')) expected.set(at, exactly(Number(value) + 1))
      if (at === 'op/value "a" - -' || at === 'op/map 1 - "y"') expected.delete(at)
      if (at === 'op/list "a" - -') expected.delete(at)
      else if (at.startsWith('op/list ')) expected.set(at, `${value.slice(0, -1)}, 9]`)
      if (at.startsWith('op/!operator')) expected.set(at, '[7]')
    }
    const found = await edited({
      op: {
        value: changeState<number>(({ key, value }) => (key === 'a' ? undefined : value + 1)),
        map: changeState<number>(({ key, mapKey, value }) =>
          key === 1 && mapKey === 'y' ? undefined : value,
        ),
        list: changeState<number[]>(({ key, value }) => (key === 'a' ? [] : [...value, 9])),
        '!operator': changeState(() => [7]),
      },
    })
    expect(sorted(found)).toEqual(sorted(expected))
  })

  it('keeps versions and times of last access of what is changed (semantics 2.17)', async () => {
    const before = await openSnapshot(from)
    const [was] = await before.entriesOf({ uid: 'op', state: 'timed' }, 'a')
    await edited({
      op: {
        timed: changeState<string>(({ value }) => `${value}!`),
        value: changeState<number>(({ value }) => value * 2),
      },
    })
    const after = await openSnapshot(path)
    const [is] = await after.entriesOf({ uid: 'op', state: 'timed' }, 'a')
    expect(is).toMatchObject({ value: 't!', lastAccess: was!.lastAccess, timeDomain: 'processing' })
    const [value] = await after.entriesOf({ uid: 'op', state: 'value' }, 'a')
    expect(value).toMatchObject({ value: 2, version: 3 })
    await before.close()
    await after.close()
  })

  it('drops, renames, replaces and adds states, timers and operators', async () => {
    const before = await contentsOf(from)
    const expected = new Map<string, string>()
    for (const [at, value] of before) {
      if (/^op\/(list|sum|value|!event)/.test(at)) continue
      expected.set(at.replace('op/map ', 'op/renamed '), value)
    }
    expected.set('op/sum "z" - -', '9')
    expected.set('op/!event-timers "z" - 77', '77')
    expected.set('other/value 5 - -', '"five"')
    for (const [at, value] of before) {
      if (at.startsWith('op/value ')) expected.set(at, at === 'op/value "a" - -' ? '10' : value)
    }
    expected.set('op/value "new" - -', '11')
    const found = await edited({
      op: {
        list: dropState(),
        map: renameState('renamed'),
        sum: bootstrapState(
          reducingState((a: number, b: number) => a + b),
          [{ key: 'z', value: 9 }],
        ),
        value: putEntries(valueState<number>({ version: 3 }), [
          { key: 'a', value: 10 },
          { key: 'new', value: 11 },
        ]),
        '!event-timers': bootstrapTimers('event', [{ key: 'z', timestamp: 77 }]),
      },
      other: { value: bootstrapState(valueState<string>(), [{ key: 5, value: 'five' }]) },
    })
    expect(sorted(found)).toEqual(sorted(expected))
    const snapshot = await openSnapshot(path)
    expect(snapshot.states().map(({ uid, name }) => `${uid}/${name}`)).not.toContain('op/list')
    await snapshot.close()
  })

  it('puts whole lists in place of what there was', async () => {
    const found = await edited({
      op: {
        list: putEntries(listState<number>(), [
          { key: 'a', value: [7] },
          { key: 'b', value: [] },
        ]),
      },
    })
    expect(found.get('op/list "a" - -')).toBe('[7]')
    expect(found.has('op/list "b" - -')).toBe(false)
    expect(found.get('op/list 1 - -')).toBe('[1, 2]')
  })

  it('takes the last of what comes for one key', async () => {
    const one = (value: number[]) => ({ key: 'a', value })
    const of = async (name: string, ...values: number[][]) => {
      const target = `${path}-${name}`
      const list = bootstrapState(listState<number>(), values.map(one))
      await writeSavepoint({ path: target, job: 'fraud', states: { op: { list } } })
      return [...(await contentsOf(target)).values()]
    }
    expect(await of('empty', [1], [])).toEqual([])
    expect(await of('filled', [1], [], [2])).toEqual(['[2]'])
    expect(await of('other', [1, 2], [3])).toEqual(['[3]'])
    const long = Array.from({ length: 5_000 }, (_, n) => n)
    expect(await of('shorter', long, [1])).toEqual(['[1]'])
    expect(await of('longer', [1], long)).toEqual([exactly(long)])
  })

  it('moves all keys to other key groups for another maximum parallelism (semantics 2.8)', async () => {
    const before = await contentsOf(from)
    for (const maxParallelism of [2, 100, 4_096]) {
      const target = `${path}-${maxParallelism}`
      await writeSavepoint({ path: target, from, maxParallelism })
      expect(sorted(await contentsOf(target))).toEqual(sorted(before))
      const snapshot = await openSnapshot(target)
      expect(await snapshot.get({ uid: 'op', state: 'value' }, 2n)).toBe(1)
      await snapshot.close()
      await expectVerified(target)
    }
  })

  it('lets what a drain has ended go on, as any savepoint does (R12)', async () => {
    const drained = await snapshots.take({
      subtasksOf: (part) => ({
        ...part,
        watermarks: { op: 'max' },
        isFinished: true,
        isDrained: true,
        beforeFinal: { op: 7 },
      }),
    })
    await writeSavepoint({ path, from: drained })
    const snapshot = await openSnapshot(path)
    expect(snapshot.watermarks()).toEqual([{ uid: 'op', lowest: 7, highest: 7 }])
    await snapshot.close()
  })

  it('can be edited again: the ancestry grows', async () => {
    await edited({})
    const again = `${path}-again`
    await writeSavepoint({ path: again, from: path, states: { op: { sum: dropState() } } })
    const snapshot = await openSnapshot(again)
    expect(snapshot.ancestry).toHaveLength(3)
    await snapshot.close()
  })
})

describe('what cannot be written', () => {
  async function refused(states: StateEdits, more: object = { job: 'fraud' }): Promise<string> {
    try {
      await writeSavepoint({ path, states, ...more })
    } catch (error) {
      expect(error).toBeInstanceOf(StreamError)
      expect(existsSync(path)).toBe(false)
      return `${(error as StreamError).code}: ${(error as StreamError).message}`
    }
    return expect.unreachable('written')
  }

  it('is refused with the state and key, and leaves nothing behind (R18, R19)', async () => {
    const value = (key: unknown, one: unknown) =>
      bootstrapState(valueState<unknown>(), [{ key: key as Key, value: one }])
    expect(await refused({ op: { value: value(NaN, 1) } })).toMatch(
      /^MR_KEY_INVALID: A key for state "value" of operator "op" is NaN/,
    )
    expect(await refused({ op: { value: value('a', { f: () => 1 }) } })).toMatch(
      /^MR_VALUE_UNSUPPORTED: state "value" of operator "op", key "a"\.f is a function/,
    )
    expect(await refused({ op: { value: value('a', undefined) } })).toContain('must be a value')
    const list = bootstrapState(listState<number>(), [{ key: 'a', value: 5 as never }])
    expect(await refused({ op: { list } })).toContain('value of list state must be an array')
    const map = bootstrapState(mapState<Key, number>(), [{ key: 'a', value: {} as never }])
    expect(await refused({ op: { map } })).toContain('value of map state must be a Map')
    const timers = bootstrapTimers('event', [{ key: 'a', timestamp: 1.5 }])
    expect(await refused({ op: { '!event-timers': timers } })).toContain('the timestamp 1.5')
    const failing = bootstrapState(
      valueState<number>(),
      (function* () {
        yield { key: 'a', value: 1 }
        throw new StreamError('MR_INPUT_MISSING', 'no input')
      })(),
    )
    expect(await refused({ op: { value: failing } })).toBe('MR_INPUT_MISSING: no input')
  })

  it('are edits that do not fit', async () => {
    expect(await refused({ op: { value: dropState() } })).toMatch(/^MR_STATE_NOT_FOUND: .*from/)
    expect(await refused({}, {})).toMatch(/^MR_OPTION_INVALID: writeSavepoint: job is missing/)
    expect(await refused({}, { job: 'x', maxParallelism: 0 })).toContain('maxParallelism is 0')
    expect(await refused({}, { job: 'x', maxParallelism: 1, parallelism: 2 })).toContain(
      'there are 2 subtasks',
    )
    const named = bootstrapState(valueState<number>(), [])
    expect(await refused({ op: { 'a b': named } })).toMatch(/^MR_NAME_INVALID/)
    const processing = bootstrapTimers('processing', [])
    expect(await refused({ op: { '!event-timers': processing } })).toContain(
      'timers of processing time are "!processing-timers"',
    )
    const snapshots = await ChainSnapshots.create(await makeFolder())
    const from = await snapshots.take()
    expect(await refused({ op: { valeu: dropState() } }, { from })).toContain(
      'did you mean "value"?',
    )
    const other = putEntries(valueState<number>(), [])
    expect(await refused({ op: { value: other } }, { from })).toContain(
      'it is value state of version 3, and value state of version 1 is put into it',
    )
    expect(await refused({ op: { value: renameState('map') } }, { from })).toContain(
      'there is a state "map" already',
    )
    expect(await refused({ op: { '!event-timers': renameState('x') } }, { from })).toContain(
      'bootstrapTimers',
    )
    await snapshots.close()
  })

  it('is a target that is in use', async () => {
    await mkdir(path)
    await writeFile(join(path, 'mine'), 'x')
    await expect(writeSavepoint({ path, job: 'fraud' })).rejects.toMatchObject({
      code: 'MR_SAVEPOINT_TARGET',
    })
    expect(await readdir(path)).toEqual(['mine'])
  })
})
