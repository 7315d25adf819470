import { isQuietRun } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { Command } from 'commander'
import type { ToolOutlets } from '../harness/tool-outlets.ts'
import { machine, machineText } from '../quality/machine.ts'
import { type Attack, type AttackRecord, isAsExpected, runAttack } from './attack.ts'
import { attacksByKind } from './attack-list.ts'

interface Options {
  readonly only?: string
  readonly json?: true
}

const about = `
A coordinator that plays false, with colluding hospitals, and hospitals in bad hands against an honest coordinator: each against the
product's agents, workers and stores on the real ring. After each attack it reads one honest site's numbers by every way that it
has, and once more with the shares that it lacked, which shows that the reading works.
Takes some minutes in all, about 2 s an attack on an idle machine; --only runs less.
Columns: numbers recovered of how many; the share that guessing would hit; recovered with what it lacked; whether it came to what is
known of it; who is named as the culprit; the attack, and the rules that it is against (docs/secure-aggregation.md).
Exit 1 where an attack came to anything else than is known.

Examples:
  $ npm run -s attacks
  $ npm run -s attacks -- --only snapshot
  $ npm run -s attacks -- --json`

const shareText = (learned: AttackRecord['learned']): string =>
  learned === null ? '-' : `${learned.recovered} of ${learned.of}`

/** Guessing hits so few that only the power of ten says anything. */
const chanceText = (learned: AttackRecord['learned']): string =>
  learned === null ? '-' : learned.chance.toExponential(0)

const columns = [
  'recovered of',
  'by chance',
  'with what it lacked',
  'as known',
  'who is named',
  'attack (rules)',
] as const

const rowOf = (attack: Attack, record: AttackRecord): readonly string[] => [
  shareText(record.learned),
  chanceText(record.learned),
  shareText(record.control),
  isAsExpected(attack, record) ? 'yes' : 'NO',
  record.named.join(', ') || 'nobody',
  `${attack.name} (${attack.rules})`,
]

const tableText = (rows: readonly (readonly string[])[]): string[] => {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(columns), ...rows.map(line)]
}

export interface AttackedKind {
  readonly kind: string
  readonly attacks: readonly { readonly attack: Attack; readonly record: AttackRecord }[]
}

/** The table, then what happened in each attack, by kind. */
export const attacksText = (kinds: readonly AttackedKind[]): string => {
  const all = kinds.flatMap(({ attacks }) => attacks)
  const known = all.filter(({ attack, record }) => isAsExpected(attack, record)).length
  return [
    ...tableText(all.map(({ attack, record }) => rowOf(attack, record))),
    ...kinds.flatMap(({ kind, attacks }) => [
      '',
      `${kind}:`,
      ...attacks.map(({ record }) => `  ${record.attack}: ${record.happened}`),
    ]),
    '',
    `${known} of ${all.length} attacks came to what is known of them`,
  ].join('\n')
}

/** `npm run attacks`: every attack of the suite, or those with a word in their name, one after another. */
export const attacksCommand =
  (kinds: Readonly<Record<string, readonly Attack[]>> = attacksByKind) =>
  ({ write, progress }: ToolOutlets): Command =>
    new Command('attacks')
      .description('What a malicious coordinator and malicious hospitals do to a study, and what they learn.')
      .option('--only <words>', 'attacks whose name has these words in it')
      .option('--json', 'print one JSON object')
      .addHelpText('after', about)
      .action(async ({ only = '', json }: Options) => {
        const asked = Object.entries(kinds)
          .map(([kind, attacks]) => ({ kind, attacks: attacks.filter(({ name }) => name.includes(only)) }))
          .filter(({ attacks }) => attacks.length > 0)
        const count = asked.reduce((sum, { attacks }) => sum + attacks.length, 0)
        if (count === 0)
          throw new CodedError('ARGUMENT_INVALID', `no attack has "${only}" in its name`, {
            place: { field: '--only' },
          })
        let done = 0
        const ran: AttackedKind[] = []
        for (const { kind, attacks } of asked) {
          const records = []
          for (const attack of attacks) {
            if (!isQuietRun()) progress(`${++done} of ${count}: ${attack.name}`)
            records.push({ attack, record: await runAttack(attack) })
          }
          ran.push({ kind, attacks: records })
        }
        const records = ran.flatMap(({ kind, attacks }) =>
          attacks.map(({ attack, record }) => ({
            kind,
            rules: attack.rules,
            ...record,
            as_known: isAsExpected(attack, record),
          })),
        )
        write(
          json
            ? `${JSON.stringify({ machine: machine(), attacks: records })}\n`
            : `${machineText(machine())}\n\n${attacksText(ran)}\n`,
        )
        if (records.some((record) => !record.as_known)) process.exitCode = 1
      })
