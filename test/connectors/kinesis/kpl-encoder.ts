import { createHash } from 'node:crypto'

/** A record that is put into an aggregate. */
export interface UserRecord {
  readonly key: string
  readonly hashKey?: string | undefined
  readonly data: Uint8Array
}

/** What the Kinesis Producer Library makes of several records; with fields in between that readers do not know. */
export function aggregate(records: readonly UserRecord[]): Buffer {
  const keys = [...new Set(records.map(({ key }) => key))]
  const hashKeys = [...new Set(records.flatMap(({ hashKey }) => hashKey ?? []))]
  const message = Buffer.concat([
    ...keys.map((key) => bytesField(1, Buffer.from(key))),
    ...hashKeys.map((key) => bytesField(2, Buffer.from(key))),
    bytesField(9, Buffer.from('unknown')),
    ...records.map(({ key, hashKey, data }) =>
      bytesField(
        3,
        Buffer.concat([
          numberField(1, keys.indexOf(key)),
          hashKey === undefined ? Buffer.alloc(0) : numberField(2, hashKeys.indexOf(hashKey)),
          bytesField(3, data),
          bytesField(4, Buffer.from('a tag')),
        ]),
      ),
    ),
  ])
  const digest = createHash('md5').update(message).digest()
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), message, digest])
}

function numberField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)])
}

function bytesField(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    const byte = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? byte + 128 : byte)
  } while (rest > 0)
  return Buffer.from(bytes)
}
