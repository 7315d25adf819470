/**
 * One text for each patient, however a source writes the key: blanks around it, leading zeros and a decimal point of whole numbers
 * do not count, and composed and decomposed letters are the same. One patient taken for two would be protected half; so would two
 * patients whose keys differ in nothing else be: taken for one unit, either of them there or not replaces its vector, which moves a
 * sum by up to twice the clip norm. Whether a source has such keys is for the hospital to know: the check before approval says so.
 */
export const canonicalPatientKey = (text: string): string => {
  const trimmed = text.normalize('NFC').trim()
  const [, sign, digits] = /^([+-]?)0*(\d+)(?:\.0*)?$/.exec(trimmed) ?? []
  return digits === undefined ? trimmed : `${sign === '-' ? '-' : ''}${digits}`
}
