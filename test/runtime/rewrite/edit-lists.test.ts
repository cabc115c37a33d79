import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { operatorListState, unionListState, valueState } from 'millrace'
import {
  bootstrapOperatorState,
  bootstrapState,
  changeState,
  dropState,
  openSnapshot,
  renameState,
  type Snapshot,
  type StateEdits,
  verifySnapshots,
  writeSavepoint,
} from 'millrace/state'
import { storedShapes } from '../../../runtime/inspect/stored-shapes.ts'
import { encodeValue } from '../../../runtime/value-codec.ts'
import { ChainSnapshots } from '../inspect/chain-snapshot.ts'
import { temporaryFolders } from '../job/temporary-folder.ts'

const makeFolder = temporaryFolders()
let path: string

beforeEach(async () => {
  path = join(await makeFolder(), 'savepoint')
})

const lists = () => ({
  held: bootstrapOperatorState(operatorListState<string>(), ['a', 'b', 'c']),
  all: bootstrapOperatorState(unionListState<number>({ version: 2 }), slowly([1, 2])),
})

async function* slowly<T>(values: readonly T[]): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value)
}

/** What each subtask has of a list, by its number. */
async function listsOf(snapshot: Snapshot, uid: string, state: string): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const { key, value } of snapshot.entries({ uid, state })) found.push([key, value])
  return found
}

/** The lists of operator "op" in a savepoint that is made with these edits. */
async function written(from: string, edits: StateEdits[string], state: string) {
  const to = join(await makeFolder(), 'edited')
  await writeSavepoint({ path: to, from, states: { op: edits } })
  for await (const { damages } of verifySnapshots(to)) expect(damages).toEqual([])
  const snapshot = await openSnapshot(to)
  const found = await listsOf(snapshot, 'op', state)
  await snapshot.close()
  return found
}

describe('lists of subtasks in a savepoint', () => {
  it('are written, read, measured and compared by subtask (semantics 2.9)', async () => {
    await writeSavepoint({ path, job: 'lists', states: { op: lists() } })
    const snapshot = await openSnapshot(path)
    expect(snapshot.states()).toEqual([
      { uid: 'op', name: 'all', kind: 'union-list', version: 2, isDropped: false },
      { uid: 'op', name: 'held', kind: 'operator-list', version: 1, isDropped: false },
    ])
    expect(await listsOf(snapshot, 'op', 'held')).toEqual([[0, ['a', 'b', 'c']]])
    expect(await snapshot.get({ uid: 'op', state: 'all' }, 0)).toEqual([1, 2])
    expect(await snapshot.get({ uid: 'op', state: 'all' }, 1)).toBeUndefined()
    const bytes = ['a', 'b', 'c'].reduce((sum, one) => sum + encodeValue(one, '').length, 0)
    expect(await snapshot.measure()).toMatchObject([
      { name: 'all', entries: 2 },
      { name: 'held', entries: 3, bytes },
    ])
    // As upcasts get them: an item each.
    expect([...(await storedShapes(path, 0))]).toEqual([
      ['op/all', 'number'],
      ['op/held', 'string'],
    ])
    const other = join(await makeFolder(), 'other')
    const held = bootstrapOperatorState(operatorListState<string>(), ['a'])
    await writeSavepoint({ path: other, from: path, states: { op: { held } } })
    const after = await openSnapshot(other)
    const changes: unknown[] = []
    for await (const { state, change, before, after: now } of snapshot.diff(after)) {
      changes.push([state, change, before?.value, now?.value])
    }
    expect(changes).toEqual([['held', 'changed', ['a', 'b', 'c'], ['a']]])
    await snapshot.close()
    await after.close()
  })

  it('are shared out among the subtasks that there are, beside keyed state', async () => {
    const snapshots = await ChainSnapshots.create(await makeFolder())
    snapshots.at('a', undefined, ({ value }) => value.update(1))
    const from = await snapshots.take()
    expect(await written(from, lists(), 'held')).toEqual([
      [0, ['a', 'b']],
      [1, ['c']],
    ])
    // It begins with the subtask that the list before it left off at.
    const both = { ...lists(), value: bootstrapState(valueState<number>(), []) }
    expect(await written(from, both, 'all')).toEqual([
      [0, [2]],
      [1, [1]],
    ])
    await snapshots.close()
  })

  it('are changed, dropped and renamed; what is not edited stays', async () => {
    await writeSavepoint({ path, job: 'lists', states: { op: lists() } })
    const shout = changeState<string[]>(({ value }) => value.map((one) => `${one}!`))
    expect(await written(path, { held: shout }, 'held')).toEqual([[0, ['a!', 'b!', 'c!']]])
    expect(await written(path, { held: shout }, 'all')).toEqual([[0, [1, 2]]])
    expect(await written(path, { held: renameState('kept') }, 'kept')).toEqual([
      [0, ['a', 'b', 'c']],
    ])
    for (const edits of [{ held: dropState() }, { held: renameState('kept') }]) {
      await expect(written(path, edits, 'held')).rejects.toMatchObject({
        code: 'MR_STATE_NOT_FOUND',
      })
    }
    expect(await written(path, { held: changeState(() => undefined) }, 'held')).toEqual([])
    await expect(
      written(path, { held: changeState(() => 'no list') }, 'held'),
    ).rejects.toMatchObject({ code: 'MR_STATE_INCOMPATIBLE' })
  })
})
