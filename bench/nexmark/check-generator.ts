import { createHash } from 'node:crypto'
import { eventOf, idAt } from './generator.ts'

/** The SHA-256 of the first events of a stream as JSON lines, to compare generators across languages. */
export function generatorHash(count: number, group = 1): string {
  const hash = createHash('sha256')
  for (let index = 0; index < count; index++) {
    // Others call it type.
    const line = JSON.stringify(eventOf(idAt(index, group))).slice('{"kind":'.length)
    hash.update(`{"type":${line}\n`)
  }
  return hash.digest('hex')
}
