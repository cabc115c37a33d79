import { createHash } from 'node:crypto'

/** A record within an aggregate of the Kinesis Producer Library. */
export interface PackedRecord {
  readonly key: string
  readonly hashKey: string | undefined
  readonly data: Buffer
}

/** Takes an aggregate apart, by the letter of its format; undefined where it is none. */
export function unpackAggregate(bytes: Buffer): readonly PackedRecord[] | undefined {
  if (bytes.length < 20 || bytes.readUInt32BE(0) !== 0xf3899ac2) return undefined
  const body = bytes.subarray(4, -16)
  if (!createHash('md5').update(body).digest().equals(bytes.subarray(-16))) return undefined
  const fields = fieldsOf(body)
  const texts = (field: number) =>
    fields.filter(([number]) => number === field).map(([, value]) => (value as Buffer).toString())
  const [keys, hashKeys] = [texts(1), texts(2)]
  return fields
    .filter(([number]) => number === 3)
    .map(([, value]) => {
      const record = new Map(fieldsOf(value as Buffer))
      const hashIndex = record.get(2) as number | undefined
      return {
        key: keys[record.get(1) as number]!,
        hashKey: hashIndex === undefined ? undefined : hashKeys[hashIndex],
        data: record.get(3) as Buffer,
      }
    })
}

function fieldsOf(bytes: Buffer): [number, Buffer | number][] {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!
      value += (byte & 0x7f) * shift
      if (byte < 0x80) return value
    }
  }
  const fields: [number, Buffer | number][] = []
  while (at < bytes.length) {
    const tag = varint()
    const value = varint()
    const isBytes = (tag & 7) === 2
    fields.push([tag >> 3, isBytes ? bytes.subarray(at, at + value) : value])
    if (isBytes) at += value
  }
  return fields
}
