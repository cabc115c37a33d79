/**
 * Order-independent hashes of rows: the sum of the hashes of all rows, modulo 2^32. Numbers count with their low 32 bits.
 *
 * The functions are generated, so that the columns of a query are read as written-out code would read them: a nanosecond or
 * two a column.
 */

export type RowValue = number | string

/** Number of rows, and the sum of their hashes. */
export interface Tally {
  rows: number
  hash: number
}

/** A function that adds a row to a tally, given its columns one by one. */
export function tallyColumns(count: number, tally: Tally): (...columns: RowValue[]) => void {
  const names = Array.from({ length: count }, (_, index) => `c${index}`)
  const add = `tally.rows++; tally.hash = (tally.hash + ${hashText(names)}) | 0`
  const made: unknown = new Function(
    'mix',
    'finish',
    'tally',
    `return (${names.join()}) => { ${add} }`,
  )(mix, finish, tally)
  return made as (...columns: RowValue[]) => void
}

/** Hashes rows that are objects with these columns. */
export function rowHash<Row extends object>(columns: readonly string[]): (row: Row) => number {
  const text = hashText(columns.map((column) => `row.${column}`))
  const made: unknown = new Function('mix', 'finish', `return (row) => ${text}`)(mix, finish)
  return made as (row: Row) => number
}

function hashText(values: readonly string[]): string {
  return `finish(${values.reduce((hash, value) => `mix(${hash}, ${value})`, '0')})`
}

function mix(hash: number, value: RowValue): number {
  const bits = typeof value === 'number' ? value | 0 : textBits(value)
  const mixed = Math.imul(hash ^ bits, 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}

function textBits(text: string): number {
  let bits = 0x811c9dc5
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x01000193)
  return bits
}

function finish(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return mixed ^ (mixed >>> 13)
}
