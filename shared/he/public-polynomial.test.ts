import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { contextNamed } from '../../test/harness/sealed-round.ts'
import { digest, roundId } from '../ids.ts'
import { blockSeed, type SealContext } from './public-polynomial.ts'

const vector: { context: SealContext; blocks: { block: number; hex: string }[] } = JSON.parse(
  readFileSync(new URL('../../test/vectors/v1/public-polynomial.json', import.meta.url), 'utf8'),
)

describe('public polynomial', () => {
  it.each(vector.blocks)('seed of block $block', ({ block, hex }) => {
    expect(Buffer.from(blockSeed(vector.context, block)).toString('hex')).toBe(hex)
  })

  it('R2 every part of the context and the block change the seed', () => {
    const base = contextNamed('a')
    const other = digest('f'.repeat(64))
    const contexts = [
      base,
      { ...base, round: roundId(other) },
      { ...base, roster: other },
      { ...base, plan: other },
      { ...base, model: other },
    ]
    const seeds = contexts.flatMap((context) =>
      [0, 1].map((block) => Buffer.from(blockSeed(context, block)).toString('hex')),
    )
    expect(new Set(seeds).size).toBe(10)
    expect(seeds.every((seed) => seed.length === 128)).toBe(true)
  })
})
