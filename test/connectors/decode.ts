import type { BadRow, DecoderStart, ReadFormat } from '../../connectors/read-format.ts'

export interface Decoded<T> {
  readonly values: T[]
  readonly bad: (BadRow & {
    readonly raw: string
    readonly line: number
    readonly offset: number
  })[]
  /** Position behind each record, good or bad. */
  readonly positions: { offset: number; line: number; header: readonly string[] | undefined }[]
  readonly starts: number[]
}

/** Decodes bytes in chunks of a size, from a start. */
export function decode<T>(
  format: ReadFormat<T>,
  input: string | Uint8Array,
  chunkSize = Infinity,
  start: Partial<DecoderStart> = {},
): Decoded<T> {
  const decoder = format.createDecoder({ where: 'input', ...start })
  const result: Decoded<T> = { values: [], bad: [], positions: [], starts: [] }
  const drain = () => {
    while (decoder.next()) {
      if (decoder.bad === undefined) result.values.push(decoder.value)
      else {
        const { recordLine: line, recordOffset: offset, rawRecord: raw } = decoder
        result.bad.push({ ...decoder.bad, raw, line, offset })
      }
      result.starts.push(decoder.recordOffset)
      result.positions.push({ offset: decoder.offset, line: decoder.line, header: decoder.header })
    }
  }
  const bytes = typeof input === 'string' ? Buffer.from(input) : input
  for (let at = 0; at < bytes.length; at += chunkSize) {
    decoder.push(bytes.subarray(at, Math.min(bytes.length, at + chunkSize)))
    drain()
    if (chunkSize === Infinity) break
  }
  decoder.end()
  drain()
  return result
}
