import { keyProblem } from '../key-encoding.ts'
import type { Key } from '../key.ts'
import { fromJson, type Json, toJson } from './json-values.ts'

/**
 * The key that a text means, as people write it: `1` a number, `1n` a bigint, `'1'` or `"1"` a string, `["a",1]` a tuple,
 * `{"$bytes":"<base64>"}` bytes; anything else is the string itself.
 */
export function parseKey(text: string): Key {
  if (/^-?\d+n$/.test(text)) return BigInt(text.slice(0, -1))
  if (/^'.*'$/s.test(text) && text.length > 1) return text.slice(1, -1)
  let value: unknown
  try {
    value = fromJson(JSON.parse(text) as Json)
  } catch {
    return text
  }
  return keyProblem(value) === undefined ? (value as Key) : text
}

/** All keys that a text might be meant for: a number, a string and a bigint look the same. */
export function formsOf(text: string): Key[] {
  const bare = text.replace(/^(['"])(.*)\1$/s, '$2').replace(/^(-?\d+)n$/, '$1')
  const forms: Key[] = [bare]
  if (/^-?\d+$/.test(bare)) forms.push(BigInt(bare))
  if (bare.trim() !== '' && Number.isFinite(Number(bare))) forms.push(Number(bare))
  return forms
}

/** A key as `parseKey` reads it. */
export function keyText(key: Key): string {
  return typeof key === 'bigint' ? `${key}n` : JSON.stringify(toJson(key))
}
