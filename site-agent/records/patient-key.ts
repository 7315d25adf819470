/**
 * One text for each patient, however a source writes the key: blanks around it, leading zeros and a decimal point of whole numbers
 * do not count, and composed and decomposed letters are the same. Two patients whose keys differ in nothing else are taken for one,
 * which protects both (their rows weigh as one patient's); one patient taken for two would be protected half.
 */
export const canonicalPatientKey = (text: string): string => {
  const trimmed = text.normalize('NFC').trim()
  const [, sign, digits] = /^([+-]?)0*(\d+)(?:\.0*)?$/.exec(trimmed) ?? []
  return digits === undefined ? trimmed : `${sign === '-' ? '-' : ''}${digits}`
}
