import { X509Certificate } from 'node:crypto'

/** ms since 1970. */
export interface CertificateDates {
  readonly from: number
  readonly to: number
}

/** Of the first certificate in the text (PEM). Throws what Node throws for anything else. */
export const certificateDates = (pem: string): CertificateDates => {
  const { validFrom, validTo } = new X509Certificate(pem)
  return { from: Date.parse(validFrom), to: Date.parse(validTo) }
}

/** Less than a third of its life is left: time to renew, with as much time left to try again. */
export const isRenewalDue = ({ from, to }: CertificateDates, now: number): boolean => now >= to - (to - from) / 3
