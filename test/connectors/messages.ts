import { expect } from 'vitest'
import { BadMessageError, type MessageFormat } from '../../connectors/message-format.ts'

export const VALUE = { topic: 'orders', part: 'value' } as const

/** Reads one message. */
export function read<T>(format: MessageFormat<T>, bytes: Uint8Array | string): T {
  return format.createMessageReader(VALUE).read(Buffer.from(bytes))
}

/** Writes one message. */
export function write<T>(format: MessageFormat<T>, value: T): Buffer {
  return format.createMessageWriter(VALUE).write(value)
}

/** The problem of a bad message. */
export function problemOf(format: MessageFormat<unknown>, bytes: Uint8Array | string): string {
  let thrown: unknown
  try {
    read(format, bytes)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(BadMessageError)
  return (thrown as BadMessageError).problem
}

/** Whether bytes, whatever they are, make a value or a bad message: nothing else may come out. */
export function survives(format: MessageFormat<unknown>, bytes: Uint8Array): void {
  try {
    read(format, bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(BadMessageError)
    expect((error as BadMessageError).problem).not.toMatch(/undefined|\[object/)
  }
}

/** Whether a value, and all within it, passes into state and to other threads as it is. */
export function expectPlain(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  const prototypes: unknown[] = [Object.prototype, Array.prototype, Uint8Array.prototype]
  expect(prototypes).toContain(Object.getPrototypeOf(value))
  if (!(value instanceof Uint8Array)) Object.values(value).forEach(expectPlain)
}
