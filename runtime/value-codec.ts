/** The codec of values: for operator state, keyed state and whatever a channel cannot put into rows. */
export { checkValue } from './value-check.ts'
export { decodeValue, readValue } from './value-decoder.ts'
export { encodeValue, writeValue } from './value-encoder.ts'
