import { expect, it } from 'vitest'
import { freeBytes } from '../../runtime/free-bytes.ts'

it('empties an array that is all of its buffer', () => {
  const bytes = Buffer.from('x'.repeat(100_000))
  freeBytes(bytes)
  expect([bytes.byteLength, bytes.buffer.byteLength]).toEqual([0, 0])
})

it('leaves alone what others may see: a part of a buffer, a shared one, and the small ones of Node', () => {
  const whole = new Uint8Array(200_000)
  const shared = new Uint8Array(new SharedArrayBuffer(100_000))
  const small = Buffer.from('x')
  for (const bytes of [whole.subarray(100_000), whole.subarray(0, 199_999), shared, small]) {
    freeBytes(bytes)
  }
  expect([whole.byteLength, shared.byteLength, small.toString()]).toEqual([200_000, 100_000, 'x'])
})
