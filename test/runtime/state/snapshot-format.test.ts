import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../runtime/bytes.ts'
import { readKey, writeKey } from '../../../runtime/key-encoding.ts'
import type { Key } from '../../../runtime/key.ts'
import { KeyedBackend } from '../../../runtime/state/keyed-backend.ts'
import {
  keyRange,
  readEntryKey,
  lastAccessIn,
  readEntryValue,
  readPiece,
  readTimedEntryValue,
  readTimerKey,
  subKeyAt,
  versionOf,
  writeEntryValue,
  writePiece,
  writePrefix,
  writePrivateKey,
  writeTimedEntryValue,
  writeTimerKey,
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
    const backend = new KeyedBackend(
      backendContext({ range: { first: 0, last: 0x0102 } }),
      undefined,
    )
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
    // Kind · key (group, state, "ab", namespace, sub-key; of the timer: time, "ab", namespace "w") · value (codec, version, value).
    expect(shown).toEqual([
      'put 010200033061620000 010001040e',
      'put 01020004306162000000000000 0100010d010402',
      'put 0102000510c01400000000000030616200307700 000001',
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

  it('finds on bytes where the sub-key of an entry begins', () => {
    fc.assert(
      fc.property(
        key,
        fc.option(key, { nil: undefined }),
        fc.uint8Array({ maxLength: 6 }),
        (owner, namespace, subKey) => {
          const writer = new ByteWriter()
          writePrefix(writer, { keyGroup: 7, key: owner, namespace }, 9)
          const { length } = writer
          for (let cut = 0; cut < length; cut++) {
            expect(subKeyAt(writer.bytes.slice(0, cut))).toBeUndefined()
          }
          writer.append(subKey)
          expect(subKeyAt(writer.copy())).toBe(length)
        },
      ),
    )
    expect(subKeyAt(Buffer.from([0, 1, 0, 1, 0xff, 3]))).toBeUndefined()
  })

  it('sorts the timers of a key group by time (R23)', () => {
    const timer = fc.record({
      timestamp: fc.oneof(fc.integer(), fc.constantFrom(-Infinity, Infinity)),
      key,
      namespace: fc.option(key, { nil: undefined }),
    })
    fc.assert(
      fc.property(timer, timer, (a, b) => {
        const [left, right] = [a, b].map((one) => {
          const writer = new ByteWriter()
          writeTimerKey(writer, { keyGroup: 300, ...one }, 5, one.timestamp)
          const bytes = writer.copy()
          const normal = (given: Key | undefined) => (given === 0 ? 0 : given)
          expect(readTimerKey(bytes)).toEqual({
            keyGroup: 300,
            timestamp: one.timestamp,
            key: normal(one.key),
            namespace: normal(one.namespace),
          })
          return bytes
        })
        if (a.timestamp === b.timestamp) return
        expect(Buffer.compare(left!, right!)).toBe(a.timestamp < b.timestamp ? -1 : 1)
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

  it('keeps a last access in front of a value, and of each element behind it (R30): these bytes must never change', () => {
    const access = { lastAccess: 1_000, elementAccesses: [1_000, 998, -Infinity] }
    const entry = { version: 1, what: 'op/state', domain: 'event', access } as const
    const writer = new ByteWriter()
    writeTimedEntryValue(writer, { ...entry, value: ['a', 'b', 'c'] })
    const stored = writer.copy()
    // Codec, version · f64 · list of three strings · ages 0 and 2 · no age: f64.
    expect(hex(stored)).toBe(
      '030001' +
        '0000000000408f40' +
        '0d03080161080162080163' +
        '0002' +
        'ffffffff0f' +
        '000000000000f0ff',
    )
    expect([lastAccessIn(stored, 'event'), lastAccessIn(stored, 'processing')]).toEqual([
      1_000,
      -Infinity,
    ])
    expect([versionOf(stored), readEntryValue(stored)]).toEqual([1, ['a', 'b', 'c']])
    expect(() => readEntryValue(stored.slice(0, -1))).toThrow(
      expect.objectContaining({ code: 'MR_CHECKPOINT_CORRUPT' }),
    )
  })

  it('gives every last access back in its time domain, in the other none (R30)', () => {
    const time = fc.oneof(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.constant(-Infinity))
    const domains = fc.constantFrom<('processing' | 'event')[]>('processing', 'event')
    fc.assert(
      fc.property(fc.array(time), time, domains, (elements, single, domain) => {
        const isList = elements.length > 0
        const access = {
          lastAccess: isList ? Math.max(...elements) : single,
          elementAccesses: isList ? elements : undefined,
        }
        const value = isList ? elements.map(String) : { single }
        const writer = new ByteWriter()
        writeTimedEntryValue(writer, { version: 7, what: 'op/state', value, domain, access })
        const stored = writer.copy()
        const read = { lastAccess: 0, elementAccesses: undefined }
        expect(readTimedEntryValue(stored, domain, read)).toEqual(value)
        expect(read).toEqual(access)
        expect([versionOf(stored), readEntryValue(stored)]).toEqual([7, value])
        const other = domain === 'event' ? 'processing' : 'event'
        expect(readTimedEntryValue(stored, other, read)).toEqual(value)
        expect(read).toEqual({ lastAccess: -Infinity, elementAccesses: undefined })
      }),
    )
  })

  it('refuses a piece of a list whose last piece is not there', async () => {
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
      expect.objectContaining({ code: 'MR_CHECKPOINT_CORRUPT' }),
    )
  })
})

describe('keyRange', () => {
  it('holds the keys of one state in one key group, of the last state too, and no others', () => {
    const keyOf = (keyGroup: number, stateId: number): Uint8Array => {
      const writer = new ByteWriter()
      writePrefix(writer, { keyGroup, key: 'k', namespace: undefined }, stateId)
      return writer.copy()
    }
    const privateKeyOf = (keyGroup: number, stateId: number): Uint8Array => {
      const writer = new ByteWriter()
      writePrivateKey(writer, { keyGroup, key: 'k', namespace: undefined }, stateId)
      return writer.copy()
    }
    const places = [0, 1, 0x7fff].flatMap((group) =>
      [1, 2, 0xff, 0x100, 0xffff].map((id) => [group, id] as const),
    )
    const all = places.flatMap(([group, id]) => [keyOf(group, id), privateKeyOf(group, id)])
    for (const [group, id] of places) {
      for (const isPrivate of [false, true]) {
        const { after, before } = keyRange(group, id, isPrivate)
        const within = all.filter(
          (key) => Buffer.compare(key, after) > 0 && Buffer.compare(key, before) < 0,
        )
        expect(within).toEqual([isPrivate ? privateKeyOf(group, id) : keyOf(group, id)])
      }
    }
  })
})
