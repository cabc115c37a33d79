import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import { readKey, writeKey } from '../../../runtime/key-encoding.ts'
import type { Key } from '../../../runtime/key.ts'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import {
  readEntryKey,
  readEntryValue,
  readPiece,
  versionOf,
  writeEntryValue,
  writePiece,
  writePrefix,
} from '../../../runtime/state/snapshot-format.ts'
import type { StateEntry } from '../../../runtime/state/state-backend.ts'
import { backendContext, encodeAll, hex } from '../../contract/state-harness.ts'
import { IDS, registerAll } from '../../contract/state-model.ts'

const key: fc.Arbitrary<Key> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.double({ noNaN: true }),
  fc.bigInt(),
  fc.uint8Array({ maxLength: 5 }),
  fc.tuple(fc.string({ maxLength: 3 }), fc.integer()),
)

describe('the format of entries', () => {
  it('is what segments already hold: these bytes must never change', async () => {
    const backend = new KeyedBackend(backendContext({}), undefined)
    const { value, list, map, timers } = registerAll(backend)
    await backend.restore([])
    backend.setCurrentKey('ab', 0x0102)
    value.update(7)
    list.add(1)
    map.put(2, 'x')
    backend.setNamespace('w')
    timers.register('event', 5)
    backend.clearCurrent()
    const entries = encodeAll(backend, backend.beginSnapshot(1, 0))
    backend.setCurrentKey('ab', 0x0102)
    map.clear()
    backend.clearCurrent()
    const later = encodeAll(backend, backend.beginSnapshot(2, 1))
    const shown = [...entries, ...later].map(
      (entry) => `${entry.kind} ${hex(entry.key)} ${hex(entry.value)}`,
    )
    // Kind · key (group, state, "ab", namespace, sub-key) · value (codec, version, value).
    expect(shown).toEqual([
      'put 010200033061620000 010001040e',
      'put 01020004306162000000000000 0100010d010402',
      'put 010200053061620030770010c014000000000000 000001',
      'put 010202bc306162000010c000000000000000 010001080178',
      'clear 010202bc3061620000 ',
    ])
    await backend.close()
  })

  it('takes every key apart as it was put together', () => {
    const entry = fc.record({
      keyGroup: fc.integer({ min: 0, max: 32_767 }),
      stateId: fc.integer({ min: 1, max: 65_535 }),
      key,
      namespace: fc.option(key, { nil: undefined }),
      subKey: key,
    })
    fc.assert(
      fc.property(entry, ({ keyGroup, stateId, key: owner, namespace, subKey }) => {
        const writer = new ByteWriter()
        writePrefix(writer, { keyGroup, key: owner, namespace }, stateId)
        writeKey(writer, subKey)
        writePiece(writer, 0xfedcba98)
        const { subKey: rest, ...read } = readEntryKey(writer.copy())
        const normal = (given: Key | undefined) => (given === 0 ? 0 : given)
        expect(read).toEqual({
          keyGroup,
          stateId,
          key: normal(owner),
          namespace: normal(namespace),
        })
        expect([readKey(rest), readPiece(rest), rest.left]).toEqual([normal(subKey), 0xfedcba98, 0])
      }),
    )
  })

  it('keeps the schema version beside the value', () => {
    const writer = new ByteWriter()
    writeEntryValue(writer, 513, ['x', undefined], 'op/state')
    const stored = writer.copy()
    expect([versionOf(stored), readEntryValue(stored)]).toEqual([513, ['x', undefined]])
    stored[0] = 9
    expect(() => readEntryValue(stored)).toThrow(
      expect.objectContaining({ code: 'MR_CHECKPOINT_CORRUPT' }),
    )
    expect(() => readEntryValue(stored.slice(0, 2))).toThrow(
      expect.objectContaining({ code: 'MR_CHECKPOINT_CORRUPT' }),
    )
  })

  it('refuses a list in pieces, which only a later version writes', async () => {
    const writer = new ByteWriter()
    writePrefix(writer, { keyGroup: 1, key: 'a', namespace: undefined }, IDS.list)
    writePiece(writer, 1)
    const keyBytes = writer.copy()
    writer.length = 0
    writeEntryValue(writer, 1, [1], 'op/list')
    const entry: StateEntry = { key: keyBytes, kind: 'put', value: writer.copy() }
    const backend = new KeyedBackend(backendContext({}), undefined)
    registerAll(backend)
    await expect(backend.restore([entry])).rejects.toThrow(
      expect.objectContaining({ code: 'MR_CHECKPOINT_VERSION' }),
    )
  })
})
