import { atMostFigure } from '@tributary/shared/dp/odds'
import { oddsSentence } from '@tributary/shared/study/study-report'
import type { Restoration, Spending } from './ledger.ts'

const figure = (value: number): string => (value === Infinity ? 'unbounded' : atMostFigure(value, 4))

const rules = { sum: 'plain sums', renyi: 'the Renyi filter' } as const

export const capText = (cap: Spending['cap']): string =>
  cap === null
    ? 'no cap is set: no study can be approved; next: site-agent budget set --epsilon E --delta D'
    : `cap: epsilon ${figure(cap.epsilon)}, delta ${figure(cap.delta)}, by ${rules[cap.accounting ?? 'sum']}; ${oddsSentence(cap.epsilon)}`

/** Both figures of what is reserved, the one that the cap is on marked (R18). */
const reservedLines = ({ accounting, cap, reserved, studies }: Spending): string[] => {
  const mark = (rule: Spending['accounting']) => (cap !== null && rule === accounting ? '  <- the cap is on this' : '')
  const sums = `reserved: epsilon ${figure(reserved.epsilon)}, delta ${figure(reserved.delta)} by ${studies.length} ${studies.length === 1 ? 'study' : 'studies'} (sums)`
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

const lostLines = [
  'volatile/ (answer log, counters) went back as well, or is gone: open studies are charged to the end, and this site must enrol anew',
  'studies approved after that backup are not in this copy, and nothing here tells them: compare with `site-agent study ls` and ' +
    'with the consortium’s list, and name each of them with --study STUDY, which charges it to its end; where its plan cannot be had, ' +
    'lower the cap by what it cost',
]

/** What an officer is shown before acknowledging: each study, as this ledger, its anchor and the peers have it. */
export const restorationText = ({ missingEntries, peers, isVolatileLost, studies, unpriced }: Restoration): string =>
  [
    missingEntries > 0
      ? `this ledger came back from a backup: ${missingEntries} entries that were written are not in it`
      : peers.length > 0
        ? 'this site came back from a backup, or a copy of it is at work: peers hold contributions that it signed and does not know'
        : 'this ledger came back from a backup without volatile/: what was approved and charged since then is not in it',
    ...peers.map(
      ({ peer, study, step, attempt, charged }) =>
        `${peer} shows this site’s contribution to ${study.slice(0, 12)}, step ${step}, attempt ${attempt}: ${charged} charged by then`,
    ),
    ...studies.map(
      ({ name, study, here, anchored, seen, after }) =>
        `${name} (${study.slice(0, 12)}): attempts charged here ${here}, by the anchor ${number(anchored)}, by peers ${number(seen)}; will be ${after}`,
    ),
    ...unpriced.map(
      (study) => `${study}: its plan is not known here nor to the coordinator: nothing can be acknowledged`,
    ),
    ...(isVolatileLost ? lostLines : []),
  ].join('\n')
