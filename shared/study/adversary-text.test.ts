import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { odds } from '../dp/odds.ts'
import { adversaryLines, epsilonText, oddsSentence } from './adversary-text.ts'

const someEpsilon = fc.double({ min: 1e-6, max: 200, noNaN: true })

describe('what is printed as a bound is one', () => {
  property.prop([someEpsilon, fc.boolean()])('epsilon', (epsilon, idealNoise) => {
    const text = epsilonText({ epsilon, idealNoise })
    expect(text.endsWith(' *')).toBe(idealNoise)
    expect(Number.parseFloat(text)).toBeGreaterThanOrEqual(epsilon)
    expect(Number.parseFloat(text)).toBeLessThan(epsilon + (epsilon < 100 ? 1.001e-3 : 1.001))
  })

  property.prop([someEpsilon])('the odds sentence', (epsilon) => {
    const [, percent] = /^50 % before -> at most (practically 100|[\d.]+) % after$/.exec(oddsSentence(epsilon)) ?? []
    const exact = 100 * odds(epsilon, 0.5)
    if (percent === 'practically 100') expect(exact).toBeGreaterThan(99.9)
    else expect(Number(percent)).toBeGreaterThanOrEqual(exact)
  })

  it('the table that hospitals read: 95.26 % is not told as 95 %', () => {
    const epsilon = Math.log(0.9526 / 0.0474)
    const adversaryTable = [
      {
        who: 'public' as const,
        name: 'the public',
        hospitals: 0,
        knows: 'the generator',
        missedShares: 4,
        isolates: false,
        assumes: ['generator'] as const,
        epsilon,
        idealNoise: false,
        target: { name: 'a patient of one hospital', hospitals: 1, recordsEach: 1 },
        belief: { before: 0.5, afterAtMost: 0.9526 },
      },
    ]
    const text = adversaryLines({ adversaryTable, delta: 1.6949e-6, distance: 0 }).join('\n')
    expect(text).toContain('epsilon at delta 0.0000017,')
    expect(text).toMatch(/the public +4 +3\.001 +96 % +the generator/)
  })
})
