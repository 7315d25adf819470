import { oddsSentence } from '@tributary/shared/study/study-report'
import type { Restoration, Spending } from './ledger.ts'

const figure = (value: number): string =>
  value === 0 ? '0' : value === Infinity ? 'unbounded' : String(Number(value.toPrecision(4)))

const rules = { sum: 'plain sums', renyi: 'the Renyi filter' } as const

export const capText = (cap: Spending['cap']): string =>
  cap === null
    ? 'no cap is set: no study can be approved; next: site-agent budget set --epsilon E --delta D'
    : `cap: epsilon ${figure(cap.epsilon)}, delta ${figure(cap.delta)}, by ${rules[cap.accounting ?? 'sum']}; ${oddsSentence(cap.epsilon)}`

/** Both figures of what is reserved, the one that the cap is on marked (R18). */
const reservedLines = ({ accounting, cap, reserved, studies }: Spending): string[] => {
  const mark = (rule: Spending['accounting']) => (cap !== null && rule === accounting ? '  <- the cap is on this' : '')
  const sums = `reserved: epsilon ${figure(reserved.epsilon)}, delta ${figure(reserved.delta)} by ${studies.length} studies (sums)`
  if (cap === null || reserved.renyi === null) return [sums]
  const renyi = `          epsilon ${figure(reserved.renyi)} at delta ${figure(cap.delta)} together (Renyi filter)`
  return [`${sums}${mark('sum')}`, `${renyi}${mark('renyi')}`]
}

export const spendingText = (spending: Spending): string =>
  [
    capText(spending.cap),
    ...reservedLines(spending),
    ...spending.studies.flatMap((study) => [
      `${study.name} (${study.study.slice(0, 12)}, ${study.unit}${study.revoked ? ', revoked' : ''})`,
      `  so far    epsilon ${figure(study.epsilon)} at delta ${figure(study.delta)}; ${oddsSentence(study.epsilon)}`,
      `  at most   epsilon ${figure(study.reservedEpsilon)}; ${oddsSentence(study.reservedEpsilon)}`,
      `  attempts  ${study.attempts.map(({ charged, reserved: most }) => `${charged} of ${most}`).join(', ')}`,
    ]),
  ].join('\n')

const number = (value: number | null): string => (value === null ? 'unknown' : String(value))

/** What an officer is shown before acknowledging: each study, as this ledger, its anchor and the peers have it. */
export const restorationText = ({ missingEntries, peers, isVolatileLost, studies }: Restoration): string =>
  [
    missingEntries > 0
      ? `this ledger came back from a backup: ${missingEntries} entries that were written are not in it`
      : 'this site came back from a backup, or a copy of it is at work: peers hold contributions that it signed and does not know',
    ...peers.map(
      ({ peer, study, step, attempt, charged }) =>
        `${peer} shows this site’s contribution to ${study.slice(0, 12)}, step ${step}, attempt ${attempt}: ${charged} charged by then`,
    ),
    ...studies.map(
      ({ name, study, here, anchored, seen, after }) =>
        `${name} (${study.slice(0, 12)}): attempts charged here ${here}, by the anchor ${number(anchored)}, by peers ${number(seen)}; will be ${after}`,
    ),
    ...(isVolatileLost
      ? [
          'volatile/ (answer log, counters) went back as well: open studies are charged to the end, and this site must enrol anew',
        ]
      : []),
  ].join('\n')
