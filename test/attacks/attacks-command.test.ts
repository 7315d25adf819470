import { expect, it } from 'vitest'
import { toolRun } from '../harness/tool-run.ts'
import type { Attack, AttackRecord } from './attack.ts'
import { attacksCommand } from './attacks-command.ts'

const record: Omit<AttackRecord, 'attack'> = {
  happened: 'refused',
  learned: { recovered: 0, of: 240, chance: 3e-11 },
  control: { recovered: 240, of: 240, chance: 3e-11 },
  named: ['h06'],
}
const attack = (name: string, other: Partial<Omit<AttackRecord, 'attack'>> = {}): Attack => ({
  name,
  rules: 'R4',
  expects: { happened: 'refused', learns: 'chance', named: ['h06'] },
  run: async () => ({ ...record, ...other }),
})
const run = (...attacks: Attack[]) => toolRun('attacks', attacksCommand({ 'some kind': attacks }))

const held = run(attack('ask twice'), attack('drop all'))
it('prints what each attack came to, with the number beside chance and control', async () => {
  const { out, said, code } = await held()
  expect(out).toMatch(/^0 of 240 {2,}3e-11 {2,}240 of 240 {2,}yes {2,}h06 {2,}ask twice \(R4\)$/m)
  expect(out).toMatch(/^recovered of +by chance +with what it lacked +as known +who is named +attack \(rules\)$/m)
  expect(out).toContain('ask twice: refused')
  expect(out).toContain('2 of 2 attacks came to what is known of them')
  expect(said).toEqual(['1 of 2: ask twice', '2 of 2: drop all'])
  expect(code).toBe(0)
})

it('--json prints the same as one object, --only runs some', async () => {
  const { out } = await held('--json', '--only', 'drop')
  expect(JSON.parse(out).attacks).toEqual([
    { kind: 'some kind', rules: 'R4', attack: 'drop all', ...record, as_known: true },
  ])
  expect((await held('--only', 'nothing')).code).not.toBe(0)
})

it.each<[string, Partial<Omit<AttackRecord, 'attack'>>]>([
  ['one integer is recovered', { learned: { recovered: 1, of: 240, chance: 3e-11 } }],
  ['the control recovers less than all', { control: { recovered: 239, of: 240, chance: 3e-11 } }],
  ['there is no control', { control: null }],
  ['guessing would do', { learned: { recovered: 0, of: 240, chance: 1 } }],
  ['nothing was there to be read', { learned: { recovered: 0, of: 0, chance: 0 } }],
  ['something else happened', { happened: 'answered' }],
  ['nobody is named', { named: [] }],
])('ends with 1 where %s', async (_, other) => {
  const { out, code } = await run(attack('ask twice', other))()
  expect(out).toContain('NO')
  expect(code).toBe(1)
})
