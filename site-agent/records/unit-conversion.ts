/** Two ways to write one quantity: `a` times `factor` (plus `offset`) is `b`. Units as in `unit` of a column, without blanks and case. */
interface Conversion {
  readonly of: string
  readonly a: readonly string[]
  readonly b: readonly string[]
  readonly factor: number
  readonly offset?: number
}

const [mmol, mg] = [['mmol/l'], ['mg/dl']]

/** Factors that laboratories and scales differ by (molar masses; international avoirdupois and inch of 1959). */
const conversions: readonly Conversion[] = [
  { of: 'glucose', a: mmol, b: mg, factor: 18.016 },
  { of: 'cholesterol', a: mmol, b: mg, factor: 38.67 },
  { of: 'triglycerides', a: mmol, b: mg, factor: 88.57 },
  { of: 'creatinine', a: mg, b: ['umol/l', 'µmol/l', 'μmol/l'], factor: 88.42 },
  { of: 'bilirubin', a: mg, b: ['umol/l', 'µmol/l', 'μmol/l'], factor: 17.1 },
  { of: 'urea nitrogen', a: mmol, b: mg, factor: 2.801 },
  { of: 'calcium', a: mmol, b: mg, factor: 4.008 },
  { of: 'thyroxine', a: ['ug/dl', 'µg/dl', 'μg/dl'], b: ['nmol/l'], factor: 12.87 },
  { of: 'mass in a volume', a: ['g/dl'], b: ['g/l'], factor: 10 },
  { of: 'weight', a: ['kg'], b: ['lb', 'lbs', 'pound', 'pounds'], factor: 2.2046 },
  { of: 'length', a: ['in', 'inch', 'inches'], b: ['cm'], factor: 2.54 },
  { of: 'length', a: ['m'], b: ['cm'], factor: 100 },
  { of: 'pressure', a: ['kpa'], b: ['mmhg'], factor: 7.5006 },
  { of: 'temperature', a: ['c', '°c', 'celsius'], b: ['f', '°f', 'fahrenheit'], factor: 1.8, offset: 32 },
]

/** A unit that a hospital's numbers may be in, and what one of them must be multiplied by to be the study's. */
export interface LikelyUnit {
  readonly text: string
  /** The local median in the study's unit. */
  readonly median: number
}

const plain = (unit: string): string => unit.toLowerCase().replaceAll(/\s/g, '')

/** Whether conversions of this unit are known here. */
export const isKnownUnit = (unit: string): boolean =>
  conversions.some(({ a, b }) => a.includes(plain(unit)) || b.includes(plain(unit)))

/** What `median` would be in the study's unit, if it were in a unit that is often taken for it: all ways, or those of `unit`. */
export const likelyUnits = (median: number, unit: string | undefined): LikelyUnit[] => {
  const of = unit === undefined ? undefined : plain(unit)
  return conversions.flatMap(({ of: what, a, b, factor, offset = 0 }) => {
    const [low, high] = [a[0]!, b[0]!]
    const step = offset === 0 ? `a factor of ${factor}` : `${factor} and ${offset}`
    const said = (from: string, to: string) => `${what} in ${from} instead of ${to}, ${step}`
    return [
      ...(of === undefined || b.includes(of)
        ? [{ text: said(low, of ?? high), median: median * factor + offset }]
        : []),
      ...(of === undefined || a.includes(of)
        ? [{ text: said(high, of ?? low), median: (median - offset) / factor }]
        : []),
    ]
  })
}
