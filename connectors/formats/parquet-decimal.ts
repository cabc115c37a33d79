const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i

/** A value of a decimal as so many units of its last digit; undefined for what is none, or has more digits. Pure. */
export function unscaledOf(value: unknown, scale: number): bigint | undefined {
  if (typeof value === 'number') {
    const factor = 10 ** scale
    const units = Math.round(value * factor)
    // Up to 15 digits no other decimal is nearer to the number than the one that it prints as.
    if (Math.abs(units) <= 1e15 && scale <= 22 && units / factor === value) return BigInt(units)
  } else if (value instanceof Uint8Array) {
    return unscaledBytes(value)
  } else if (typeof value !== 'bigint' && typeof value !== 'string') return undefined
  return unscaledDecimal(String(value), scale)
}

/** Units as Avro has them: two's complement, highest byte first. */
function unscaledBytes(bytes: Uint8Array): bigint | undefined {
  if (bytes.byteLength === 0) return undefined
  const units = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  return BigInt.asIntN(8 * bytes.byteLength, units)
}

/** A decimal number as so many units of its last digit; undefined where it is none, or has more digits. Pure. */
export function unscaledDecimal(text: string, scale: number): bigint | undefined {
  const match = DECIMAL.exec(text)
  if (match === null) return undefined
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  if (whole + fraction === '') return undefined
  const shift = scale - fraction.length + Number(exponent)
  // More digits than any decimal has; also keeps an exponent of a million from being written out.
  if (Math.abs(shift) > 400) return /^0*$/.test(whole + fraction) ? 0n : undefined
  const digits = BigInt(whole + fraction)
  let unscaled = digits
  if (shift >= 0) {
    unscaled = digits * 10n ** BigInt(shift)
  } else {
    const unit = 10n ** BigInt(-shift)
    if (digits % unit !== 0n) return undefined
    unscaled = digits / unit
  }
  return sign === '-' ? -unscaled : unscaled
}
