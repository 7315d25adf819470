import type { CodedError } from '@tributary/shared/errors'
import type { Learned } from './holdings.ts'

/** What an attack came to. */
export interface AttackRecord {
  readonly attack: string
  /** What the attacked did, in order, told from what they threw and sent. */
  readonly happened: string
  /** Of one honest site's integers; null where nothing of a site is at stake. */
  readonly learned: Learned | null
  /** The same reading once it is given what the attack was after: all of them, or the reading proves nothing. */
  readonly control: Learned | null
  /** Who is named for it, by whom. */
  readonly named: readonly string[]
}

export interface Attack {
  readonly name: string
  /** Rules of the guarantee that it is about. */
  readonly rules: string
  readonly expects: Pick<AttackRecord, 'happened' | 'named'> & {
    /** What it may learn: at most chance, or, at the number of colluders that the plan warns of, everything; null: nothing is at stake. */
    readonly learns: 'chance' | 'everything' | null
  }
  /** A minute at most; throws only where the attack itself could not be carried out. */
  run(): Promise<Omit<AttackRecord, 'attack'>>
}

export const runAttack = async (attack: Attack): Promise<AttackRecord> => ({
  attack: attack.name,
  ...(await attack.run()),
})

/** A refusal as its code and field. */
export const said = (error: CodedError | null, done = 'done'): string => {
  if (error === null) return done
  const { field } = error.place ?? {}
  return field === undefined ? error.code : `${error.code} at ${field}`
}

/** The same of several, counted. */
export const allSaid = (errors: readonly (CodedError | null)[], done = 'done'): string => {
  const counts = new Map<string, number>()
  for (const error of errors) counts.set(said(error, done), (counts.get(said(error, done)) ?? 0) + 1)
  return [...counts].map(([what, times]) => (times === 1 ? what : `${times} times ${what}`)).join(', ')
}

/**
 * Whether a reading is no better than guessing: nothing, where all tries together would hit less than once in a hundred times; where
 * slots are so narrow that they do hit, no more than that and six deviations, which must be less than one in a hundred of all.
 */
export const isChance = ({ recovered, of, chance }: Learned): boolean => {
  const most = chance < 0.01 ? 0 : Math.ceil(chance + 6 * Math.sqrt(chance) + 6)
  return recovered <= most && most < of / 100
}

/** Whether what was learned is what was allowed, and the control shows that it could have been otherwise. */
export const isAsExpected = ({ expects, name }: Attack, record: AttackRecord): boolean => {
  const { learned, control } = record
  const isLearned =
    expects.learns === null
      ? learned === null
      : learned !== null &&
        learned.of > 0 &&
        (expects.learns === 'chance' ? isChance(learned) : learned.chance < 0.01 && learned.recovered === learned.of)
  const isControlled = expects.learns !== 'chance' || (control !== null && control.recovered === control.of)
  return (
    record.attack === name &&
    record.happened === expects.happened &&
    record.named.join() === expects.named.join() &&
    isLearned &&
    isControlled
  )
}
