/** Digits after the point: more than any sum of epsilons or deltas needs to be exact. */
const digits = 30

/**
 * A finite number >= 0 as a whole count of 10^-30, from its shortest decimal text, so that 0.1 + 0.2 meets a cap of 0.3 exactly.
 * What lies beyond the 30th digit is rounded `up` (what is owed) or `down` (what is allowed).
 */
export const fixedDecimal = (value: number, round: 'up' | 'down'): bigint => {
  const [mantissa = '0', exponent = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const shift = digits + Number(exponent) - fraction.length
  const unscaled = BigInt(whole + fraction)
  if (shift >= 0) return unscaled * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  const quotient = unscaled / divisor
  return round === 'up' && quotient * divisor !== unscaled ? quotient + 1n : quotient
}
