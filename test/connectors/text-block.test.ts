import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { csv } from '../../connectors/csv-format.ts'
import { json } from '../../connectors/json-format.ts'
import type { ReadFormat } from '../../connectors/read-format.ts'
import {
  TextBlock,
  decodeOwnText,
  decodeText,
  displayText,
  ownText,
} from '../../connectors/text-block.ts'

const LONG = 'x'.repeat(500)
const rowsOf = (line: string) => Buffer.from(line.repeat(Math.ceil(65_536 / line.length)))

/** Bytes of the heap that one record of each of 600 chunks of 64 KiB keeps alive. */
function heldBytes(format: ReadFormat<unknown>, chunk: Uint8Array): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const decoder = format.createDecoder({ where: 'input' })
  const kept: unknown[] = []
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 600; i++) {
    decoder.push(chunk)
    let first: unknown
    while (decoder.next()) first ??= decoder.value
    kept.push(first)
  }
  collect()
  const held = process.memoryUsage().heapUsed - before
  expect(kept).toHaveLength(600)
  return held
}

describe('TextBlock', () => {
  it('keeps its place in the file while it is filled and drained', () => {
    const block = new TextBlock(100, 7)
    block.append(0, Buffer.from('a\nb\nc'), 'input')
    expect([block.base, block.lineAt(2), block.lineAt(4)]).toEqual([100, 8, 9])
    block.append(4, Buffer.from('c\né'), 'input')
    expect([block.base, block.text, block.isAscii]).toEqual([104, 'cc\n\u00c3\u00a9', false])
    expect([block.lineAt(3), block.lineAt(0)]).toEqual([10, 9])
    block.append(5, Buffer.from('d'), 'input')
    expect([block.base, block.text, block.isAscii]).toEqual([109, 'd', true])
  })

  it('skips a byte-order mark at the start of a file only, also one that comes byte by byte', () => {
    const block = new TextBlock(0, 1)
    for (const byte of Buffer.from('\ufeff')) {
      block.append(0, Uint8Array.of(byte), 'input')
      expect(block.isWaiting).toBe(byte !== 0xbf)
    }
    expect([block.base, block.text]).toEqual([3, ''])
    block.append(0, Buffer.from('\ufeff'), 'input')
    expect(block.text).toHaveLength(3)
  })

  it('decodes UTF-8, and says what is none', () => {
    const latin1 = Buffer.from('aé😀').toString('latin1')
    expect([decodeText(latin1), decodeOwnText(latin1), displayText(latin1)]).toEqual(
      Array(3).fill('aé😀'),
    )
    expect([decodeText('\u00ff'), decodeOwnText('\u00ff'), displayText('\u00ff')]).toEqual([
      undefined,
      undefined,
      '\ufffd',
    ])
    for (const text of ['', 'short', 'longer than twelve']) expect(ownText(text)).toBe(text)
  })

  it.each([
    ['csv', csv({ header: ['a', 'b'] }), `4613314721966000001,${LONG}\n`],
    [
      'csv with characters of several bytes',
      csv({ header: ['a', 'b'] }),
      `4613314721966000001,é${LONG}\n`,
    ],
    ['json', json(), `{"a":"4613314721966000001","b":"${LONG}"}\n`],
  ])('is not kept alive by a record that somebody holds: %s', (_, format, line) => {
    // All blocks together have 39 MB, the records that are held less than 1 MB.
    expect(heldBytes(format as ReadFormat<unknown>, rowsOf(line))).toBeLessThan(10_000_000)
  })
})
