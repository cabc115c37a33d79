/*
 * The encoding of any value of the type table (R18): a tag byte and what belongs to it. Lengths, counts and indexes are
 * varints; numbers are little-endian.
 *
 *   00 undefined   01 null   02 false   03 true
 *   04 integer     zigzag varint (within int32, not −0)
 *   05 number      f64
 *   06 bigint      i64
 *   07 bigint      length · hexadecimal digits in ASCII, `-` first where negative
 *   08 string      length · one byte a unit (latin1)
 *   09 string      length · UTF-8
 *   0A string      length · UTF-16, for lone surrogates
 *   0B Date        f64, NaN if invalid
 *   0C bytes       length · bytes
 *   0D array       count · values
 *   0E Map         count · (key · value)*, in order
 *   0F Set         count · values, in order
 *   10 object      count · names (as strings) · values in order of fields; takes the next number as a shape
 *   11 object      number of a shape seen before in this value · values
 *   12 object      as 10, without a prototype; is no shape
 */
export const UNDEFINED = 0x00
export const NULL = 0x01
export const FALSE = 0x02
export const TRUE = 0x03
export const INTEGER = 0x04
export const NUMBER = 0x05
export const BIGINT_64 = 0x06
export const BIGINT_HEX = 0x07
export const STRING_LATIN1 = 0x08
export const STRING_UTF8 = 0x09
export const STRING_UTF16 = 0x0a
export const DATE = 0x0b
export const BYTES = 0x0c
export const ARRAY = 0x0d
export const MAP = 0x0e
export const SET = 0x0f
export const OBJECT = 0x10
export const OBJECT_OF_SHAPE = 0x11
export const OBJECT_WITHOUT_PROTOTYPE = 0x12

/** Strings up to this length are written and read unit by unit; a native call costs more. */
export const SHORT_TEXT = 24
/** Field names of objects are remembered within one value, at most that many lists of them. */
export const MAX_SHAPES = 32
/** The names of the fields of a plain object, in order. */
export type Shape = readonly string[]

export type Fields = Record<string, unknown>
