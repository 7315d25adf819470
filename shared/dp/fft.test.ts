import fc from 'fast-check'
import { expect, test } from 'vitest'
import { realFft } from './fft.ts'

const signals = fc
  .integer({ min: 2, max: 8 })
  .chain((bits) =>
    fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2 ** bits, maxLength: 2 ** bits }),
  )

const spectrum = (signal: Float64Array) => {
  const fft = realFft(signal.length)
  const half = signal.length / 2 + 1
  const [re, im] = [new Float64Array(half), new Float64Array(half)]
  fft.forward(signal.slice(), re, im)
  return { fft, re, im }
}

test('forward is the defining sum', () => {
  fc.assert(
    fc.property(signals, (values) => {
      const n = values.length
      const { re, im } = spectrum(Float64Array.from(values))
      for (let k = 0; k <= n / 2; k++) {
        let [cos, sin] = [0, 0]
        for (const [i, value] of values.entries()) {
          cos += value * Math.cos((2 * Math.PI * ((i * k) % n)) / n)
          sin -= value * Math.sin((2 * Math.PI * ((i * k) % n)) / n)
        }
        expect(Math.hypot((re[k] as number) - cos, (im[k] as number) - sin)).toBeLessThan(1e-12)
      }
    }),
    { numRuns: 30 },
  )
})

test('inverse undoes forward, also where the passes leave the cache', () => {
  const check = (values: Float64Array) => {
    const { fft, re, im } = spectrum(values)
    const back = new Float64Array(values.length)
    fft.inverse(re, im, back)
    for (const [i, value] of values.entries()) expect(Math.abs((back[i] as number) - value)).toBeLessThan(2e-15 * 10)
  }
  fc.assert(
    fc.property(signals, (values) => check(Float64Array.from(values))),
    { numRuns: 30 },
  )
  check(Float64Array.from({ length: 1 << 15 }, (_, i) => Math.sin(i * i)))
})
