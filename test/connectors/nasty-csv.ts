import fc from 'fast-check'

const word = fc.constantFrom(
  '',
  'a',
  'x y',
  'a"b',
  '"',
  '""',
  ',',
  'a,b',
  '\n',
  'a\nb',
  '\r\n',
  'a\r',
  '\r',
  'é',
  '日本',
  '😀',
  '٣',
  ' a ',
  'ÿ"\n,',
  '\ufeff',
)

/** Fields that a CSV file may hold: quotes, delimiters, line ends, multi-byte characters, at every place. */
export const nastyField: fc.Arbitrary<string> = fc.oneof(
  word,
  fc.string({ unit: 'binary', maxLength: 6 }).map(wellFormed),
)

/** Rows of three columns, never all empty. */
export const nastyRows: fc.Arbitrary<string[][]> = fc.array(
  fc.array(nastyField, { minLength: 3, maxLength: 3 }),
  { maxLength: 8 },
)

/** How the rows are written. */
export const nastyStyle: fc.Arbitrary<CsvStyle> = fc.record({
  crlf: fc.boolean(),
  byteOrderMark: fc.boolean(),
  lastLineEnd: fc.boolean(),
  quoteAll: fc.boolean(),
})

export interface CsvStyle {
  readonly crlf: boolean
  readonly byteOrderMark: boolean
  readonly lastLineEnd: boolean
  readonly quoteAll: boolean
}

/** Writes CSV as RFC 4180 says, and where each record ends in bytes. */
export function writeCsv(
  rows: readonly (readonly string[])[],
  style: CsvStyle,
): { readonly bytes: Buffer; readonly ends: readonly number[] } {
  const lineEnd = style.crlf ? '\r\n' : '\n'
  let text = style.byteOrderMark ? '\ufeff' : ''
  const ends: number[] = []
  rows.forEach((row, i) => {
    text += row.map((field) => quoted(field, style.quoteAll)).join(',')
    if (i < rows.length - 1 || style.lastLineEnd) text += lineEnd
    ends.push(Buffer.byteLength(text))
  })
  return { bytes: Buffer.from(text), ends }
}

function quoted(field: string, always: boolean): string {
  const needed = always || /[",\r\n]/.test(field) || field.startsWith('\ufeff')
  return needed ? `"${field.replaceAll('"', '""')}"` : field
}

function wellFormed(text: string): string {
  return text.toWellFormed()
}
