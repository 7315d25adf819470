import { describe, expect, it } from 'vitest'
import { type Attack, type AttackRecord, isAsExpected, isChance, runAttack } from './attack.ts'
import { attacksByKind } from './attack-list.ts'
import { collusionFigures } from './collusion-attacks.ts'

const learned = (recovered: 'none' | 'all') =>
  expect.toSatisfy(
    (value: AttackRecord['learned']) =>
      value !== null && value.of > 0 && (recovered === 'all' ? value.recovered === value.of : isChance(value)),
    `${recovered} of the integers`,
  )

/** The whole record of an attack, as the suite says that it must be. */
const expected = ({ name, expects }: Attack) => ({
  attack: name,
  happened: expects.happened,
  learned: expects.learns === null ? null : learned(expects.learns === 'chance' ? 'none' : 'all'),
  control: expects.learns === null ? null : learned('all'),
  named: expects.named,
})

describe.each(Object.entries(attacksByKind))('attacks on %s', (_, attacks) => {
  it.each(attacks.map((attack) => [`${attack.name} (${attack.rules})`, attack] as const))(
    '%s',
    async (_name, attack) => {
      const record = await runAttack(attack)
      expect(record).toEqual(expected(attack))
      expect(isAsExpected(attack, record)).toBe(true)
    },
  )
})

it.each(collusionFigures)(
  'R7: of $sites sites with c $colluders and at least $least, the plan warns of $formula colluders, as R7 counts them',
  ({ formula, shown }) => {
    expect(shown).toBe(formula)
  },
)
