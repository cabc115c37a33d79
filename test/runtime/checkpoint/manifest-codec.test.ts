import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createFileStorage } from '../../../runtime/checkpoint/file-storage.ts'
import type { CheckpointManifest, SegmentReference } from '../../../runtime/checkpoint/manifest.ts'
import {
  decodeManifest,
  encodeManifest,
  validateManifestFiles,
} from '../../../runtime/checkpoint/manifest-codec.ts'
import { manifestOf, partOf, writeFile } from '../../harness/checkpoint-fixtures.ts'
import { FaultFileSystem } from '../../harness/fault-file-system.ts'

const segment: SegmentReference = {
  file: 'chk-12/counts-0-1.seg',
  bytes: 1_234,
  entries: 5,
  range: { first: 0, last: 63 },
}
const manifest = manifestOf(12, { subtasks: [partOf(0, [segment]), partOf(1, [])] })

/** Puts a value at a path of the JSON, or removes what is there, and reads that back; its checksum is right. */
function decodeChanged(path: readonly (string | number)[], value: unknown): CheckpointManifest {
  const bytes = Buffer.from(encodeManifest(manifest))
  const end = bytes.indexOf('}\n')
  const { manifest: data } = JSON.parse(bytes.toString('utf8', 0, end + 1)) as { manifest: object }
  let place = data as Record<string | number, unknown>
  for (const step of path.slice(0, -1)) place = place[step] as Record<string | number, unknown>
  if (value === undefined) delete place[path.at(-1)!]
  else place[path.at(-1)!] = value
  const changed = Buffer.concat([framed(data), bytes.subarray(end + 2)])
  return decodeManifest(changed, 'chk-12/manifest.json')
}

/** The line that holds this, with its length and its checksum. */
function framed(data: object): Buffer {
  const body = Buffer.from(JSON.stringify(data))
  const sha256 = createHash('sha256').update(body).digest('hex')
  const start = `{"format":"millrace-checkpoint","bytes":${body.byteLength},"sha256":"${sha256}","manifest":`
  return Buffer.concat([Buffer.from(start), body, Buffer.from('}\n')])
}

const SEGMENT = ['subtasks', 0, 'segments', 0]

describe('manifest codec', () => {
  it('reads back what was written', () => {
    expect(decodeManifest(encodeManifest(manifest), 'x')).toEqual(manifest)
  })

  it('is not written where it would be too long to be read', () => {
    const operatorState = { small: Uint8Array.of(0), alerts: new Uint8Array(2_000) }
    const whole = manifestOf(12, { subtasks: [{ ...partOf(0, []), operatorState }] })
    const { length } = encodeManifest(whole)
    expect(encodeManifest(whole, length).length).toBe(length)
    expect(() => encodeManifest(whole, length - 1)).toThrow(
      expect.objectContaining({
        code: 'MR_CHECKPOINT_FAILED',
        fields: { uid: 'alerts', bytes: 2_001, maxBytes: length - 1 },
      }) as Error,
    )
  })

  it('writes a line of JSON that anyone can read', () => {
    const [line] = Buffer.from(encodeManifest(manifest)).toString('latin1').split('\n', 1)
    expect(JSON.parse(line!)).toMatchObject({
      format: 'millrace-checkpoint',
      manifest: { checkpointId: 12 },
    })
  })

  it('gives each state memory of its own, so that it can be sent to another thread', () => {
    const { enumerators, subtasks } = decodeManifest(encodeManifest(manifest), 'x')
    const states = [enumerators, ...subtasks.map((part) => part.operatorState)]
    for (const state of states.flatMap(Object.values) as Uint8Array[]) {
      expect(state.buffer.byteLength).toBe(state.byteLength)
    }
  })

  it('reads version 1, in which states were base64, and whatever is written of it is of this version', () => {
    const data = {
      ...manifest,
      version: 1,
      subtasks: manifest.subtasks.map((part) => ({ ...part, operatorState: { counts: 'AQID' } })),
      enumerators: { cards: 'AAEC' },
    }
    expect(decodeManifest(framed(data), 'x')).toEqual(manifest)
    const longer = Buffer.concat([framed(data), Buffer.of(0)])
    expect(() => decodeManifest(longer, 'x')).toThrow('something follows it')
  })

  it('notices every changed byte (R27)', () => {
    const bytes = encodeManifest(manifest)
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const damaged = bytes.slice()
        damaged[at]! ^= flip
        expect(() => decodeManifest(damaged, 'chk-12/manifest.json')).toThrow(
          expect.objectContaining({
            code: 'MR_CHECKPOINT_CORRUPT',
            message: expect.stringContaining('chk-12/manifest.json') as string,
          }),
        )
      }
    }
  })

  it('notices every torn end, zeros in it, and bytes too many (R27)', () => {
    const bytes = encodeManifest(manifest)
    const corrupt = expect.objectContaining({ code: 'MR_CHECKPOINT_CORRUPT' })
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeManifest(bytes.slice(0, length), 'x')).toThrow(corrupt)
      expect(() => decodeManifest(bytes.slice().fill(0, length), 'x')).toThrow(corrupt)
    }
    expect(() => decodeManifest(Buffer.concat([bytes, Buffer.from('\n')]), 'x')).toThrow(corrupt)
  })

  it('tells an intact manifest of another version from a damaged one', () => {
    expect(() => decodeChanged(['version'], 3)).toThrow(
      expect.objectContaining({
        code: 'MR_CHECKPOINT_VERSION',
        message: expect.stringMatching(
          /version 3, .* reads up to version 2; .*later one/,
        ) as string,
      }),
    )
    for (const version of [undefined, 'one', 1.5, null]) {
      expect(() => decodeChanged(['version'], version)).toThrow(
        expect.objectContaining({ code: 'MR_CHECKPOINT_CORRUPT' }),
      )
    }
  })

  it.each<[string, readonly (string | number)[], unknown]>([
    ['manifest.job is missing', ['job'], undefined],
    ['manifest has a field "extra"', ['extra'], 1],
    ['manifest.checkpointId is "12"', ['checkpointId'], '12'],
    ['manifest.checkpointId is 0', ['checkpointId'], 0],
    ['manifest.kind is "backup"', ['kind'], 'backup'],
    ['manifest.subtasks is {}', ['subtasks'], {}],
    ['manifest.subtasks[0] is null', ['subtasks', 0], null],
    ['manifest.subtasks names something twice', ['subtasks', 1, 'subtaskIndex'], 0],
    ['manifest.subtasks[0].isFinished is 0', ['subtasks', 0, 'isFinished'], 0],
    ['manifest.subtasks[0].segments[0].bytes is -1', [...SEGMENT, 'bytes'], -1],
    ['manifest.subtasks[0].segments[0].bytes is 1e+300', [...SEGMENT, 'bytes'], 1e300],
    ['manifest.subtasks[0].segments[0].bytes is 0.5', [...SEGMENT, 'bytes'], 0.5],
    ['key groups 64 to 63 of "counts" do not exist', [...SEGMENT, 'range', 'first'], 64],
    ['key groups 0 to 128 of "counts" do not exist', [...SEGMENT, 'range', 'last'], 128],
    [
      'manifest.subtasks[0].watermarks["counts"] is "min"',
      ['subtasks', 0, 'watermarks', 'counts'],
      'min',
    ],
    [
      'manifest.subtasks[0].operatorState["counts"] is [1]',
      ['subtasks', 0, 'operatorState', 'counts'],
      [1],
    ],
    [
      'manifest.enumerators["cards"] is {"at":7,"bytes":3}, not a place among 9 bytes',
      ['enumerators', 'cards', 'at'],
      7,
    ],
    [
      'manifest.enumerators["cards"] is {"at":0,"bytes":9}, not a place among 9 bytes',
      ['enumerators', 'cards'],
      { at: 0, bytes: 9 },
    ],
    ['manifest.enumerators["cards"].at is -1', ['enumerators', 'cards', 'at'], -1],
    ['9 bytes of states follow where 8 belong', ['behind', 'bytes'], 8],
    ['9 bytes of states follow where undefined belong', ['behind'], undefined],
    ['the checksum of its states is wrong', ['behind', 'sha256'], 'ab'],
    ['manifest.states names something twice', ['states', 1, 'stateId'], 1],
    ['manifest.states[0].stateId is 65536', ['states', 0, 'stateId'], 65_536],
    ['manifest.operators[0].identity["path"] is 1', ['operators', 0, 'identity', 'path'], 1],
    ['manifest.params["rate"] is null', ['params', 'rate'], Number.NaN],
    ['manifest.ancestry[0].checkpointId is "7"', ['ancestry', 0, 'checkpointId'], '7'],
  ])('refuses another shape: %s (N25)', (message, path, value) => {
    expect(() => decodeChanged(path, value)).toThrow(message)
  })

  it.each([
    '../x',
    'chk-1/../../x',
    '/etc/passwd',
    'C:\\x',
    'a\\b',
    'a//b',
    './a',
    '',
    'a\nb',
    'a:b',
  ])('refuses a segment outside the storage: %j (N25)', (file) => {
    expect(() => decodeChanged([...SEGMENT, 'file'], file)).toThrow(
      /subtasks\[0\]\.segments\[0\]\.file/,
    )
  })

  it('keeps hostile names, which change nothing else (N25)', () => {
    const names: unknown = JSON.parse('{"__proto__": {"polluted": "yes"}, "constructor": "c"}')
    expect(() => decodeChanged(['sources'], names)).toThrow(/sources\["__proto__"\]/)
    const strings: unknown = JSON.parse('{"__proto__": "p", "constructor": "c", "toString": "t"}')
    const decoded = decodeChanged(['sources'], strings)
    expect(Object.keys(decoded.sources)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(decoded.sources['__proto__']).toBe('p')
    expect('hasOwnProperty' in decoded.enumerators).toBe(false)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('validateManifestFiles', () => {
  const fill = async () => {
    const fileSystem = new FaultFileSystem(['/storage'])
    const storage = createFileStorage({ directory: '/storage', fileSystem })
    await storage.reserveId(0)
    const first = await writeFile(storage, 1, 'counts-0-1')
    const second = await writeFile(storage, 1, 'counts-1-1')
    return { fileSystem, storage, first, second }
  }

  it('accepts files that are all there', async () => {
    const { storage, first, second } = await fill()
    const subtasks = [partOf(0, [first, second]), partOf(1, [second])]
    await expect(
      validateManifestFiles(storage, manifestOf(3, { subtasks })),
    ).resolves.toBeUndefined()
  })

  it('names a file that is missing, and whose state it holds (R27)', async () => {
    const { fileSystem, storage, first, second } = await fill()
    await fileSystem.unlink('/storage/chk-1/counts-1-1.seg')
    const subtasks = [partOf(0, [first]), partOf(1, [second])]
    await expect(validateManifestFiles(storage, manifestOf(3, { subtasks }))).rejects.toMatchObject(
      {
        code: 'MR_CHECKPOINT_CORRUPT',
        message: expect.stringMatching(
          /Checkpoint 3 .*chk-1\/counts-1-1\.seg with state of counts\[1\] is missing/,
        ) as string,
      },
    )
  })

  it.each([-1, 1])('names a file whose length is off by %i (R27)', async (difference) => {
    const { storage, first } = await fill()
    const wrong = { ...first, bytes: first.bytes + difference }
    const subtasks = [partOf(0, [first]), partOf(1, [wrong])]
    await expect(validateManifestFiles(storage, manifestOf(3, { subtasks }))).rejects.toMatchObject(
      {
        code: 'MR_CHECKPOINT_CORRUPT',
        message: expect.stringMatching(
          new RegExp(`chk-1/counts-0-1.seg .* has ${first.bytes} bytes instead of ${wrong.bytes}`),
        ) as string,
      },
    )
  })
})
