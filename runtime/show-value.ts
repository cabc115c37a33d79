import { inspect } from 'node:util'

/** Longest rendering of a value in a message. */
const MAX_SHOWN = 200

/** A value on one line, shortened, for messages. Never fails. */
export function showValue(value: unknown): string {
  let text: string
  try {
    text = inspect(value, {
      depth: 3,
      breakLength: Infinity,
      maxArrayLength: 10,
      maxStringLength: 80,
    })
  } catch {
    text = `a ${typeof value}`
  }
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
}
