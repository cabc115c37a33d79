/** What a key may be: a string, number (not NaN; −0 is 0), bigint, bytes, or a tuple of these (R19). */
export type Key = string | number | bigint | Uint8Array | readonly Key[]

/** A key as a primitive that is equal exactly when the keys are (1, '1' and 1n differ): for use in a `Map`. */
export type CanonicalKey = string | number | bigint
