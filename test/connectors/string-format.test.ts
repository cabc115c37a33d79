import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes } from '../../connectors/bytes-format.ts'
import { string } from '../../connectors/string-format.ts'
import { problemOf, read, survives, write } from './messages.ts'

describe('string messages', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(read(string(), write(string(), text))).toBe(text)
        expect(write(string(), text)).toEqual(Buffer.from(text))
      }),
    )
  })

  it('are bad when they are not UTF-8, and good with the replacement character', () => {
    expect(problemOf(string(), Buffer.from([0x61, 0xc3]))).toBe('is not valid UTF-8')
    expect(read(string(), 'a\ufffdb')).toBe('a\ufffdb')
    fc.assert(fc.property(fc.uint8Array(), (bytes) => survives(string(), bytes)))
  })

  it.each([['\ud800'], [5], [undefined], [null]])('cannot be %o', (value) => {
    expect(() => write(string(), value as string)).toThrow(
      expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED' }),
    )
  })
})

describe('messages of bytes', () => {
  it('are read as they were written, in memory of their own', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        const message = write(bytes(), value)
        expect(read(bytes(), message)).toEqual(value)
        const before = Buffer.from(message)
        value.fill(7)
        expect(message).toEqual(before)
      }),
    )
    const message = Buffer.from('abc')
    const value = bytes().createMessageReader({ topic: 't', part: 'value' }).read(message)
    message.fill(0)
    expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
    expect(Buffer.from(value).toString()).toBe('abc')
    expect(value.buffer.byteLength).toBe(3)
  })

  it.each([['abc'], [new ArrayBuffer(2)], [undefined]])('cannot be %o', (value) => {
    expect(() => write(bytes(), value as unknown as Uint8Array)).toThrow(
      expect.objectContaining({ code: 'MR_VALUE_UNSUPPORTED' }),
    )
  })
})
