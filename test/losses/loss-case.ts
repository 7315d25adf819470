import fc from 'fast-check'

/**
 * What becomes of one site at one step. `here`: does it in time. `twice`: sends it twice. `away`: not heard of until the phase is
 * over. `late`: does it once the phase is over, or in its own time where the phase waits for it. `restarted`: starts anew just before, without
 * keys and shares. `lost`: does it and then starts anew.
 */
export type Fate = 'here' | 'twice' | 'away' | 'late' | 'restarted' | 'lost'

/** To a deal: also a box damaged on its way to one holder, by its place. */
export interface DealFate {
  readonly fate: Fate
  readonly damaged: number | null
}

/** To an upload: also how many of its parts arrive before the site is gone. */
export interface UploadFate {
  readonly fate: Fate
  readonly parts: number | null
}

export interface SiteFates {
  readonly deal: DealFate
  readonly check: Fate
  readonly contribute: UploadFate
  readonly answer: Fate
}

/** What a kill of the coordinator takes along: the event itself, the effects, or only what memory held. */
export type KillMoment = 'before the state is stored' | 'before its effects' | 'after its effects'

export interface LossCase {
  readonly sites: number
  readonly colluders: number
  /** Holders of shares: all sites, or the first few. */
  readonly holders: number
  readonly least: number
  readonly dimension: number
  /** Of every attempt, one entry a site. The study gives up after the last. */
  readonly attempts: readonly (readonly SiteFates[])[]
  /** In what order messages of one phase come. */
  readonly order: readonly number[]
  /** The model of a step dealt ahead comes late: after its deals are sifted. */
  readonly isModelLate: boolean
  /** By the number of the stored state. */
  readonly kills: ReadonlyMap<number, KillMoment>
}

/** `away` of a hundred times a site is lost, at one step or another. */
const fateOf = (lost: number): fc.Arbitrary<Fate> =>
  fc.oneof(
    { weight: 100 - lost, arbitrary: fc.constantFrom<Fate>('here', 'here', 'here', 'here', 'twice') },
    { weight: lost, arbitrary: fc.constantFrom<Fate>('away', 'away', 'late', 'restarted', 'lost') },
  )

/** `value` so many times of a hundred, else null. */
const rarely = <T>(often: number, value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof(
    { weight: 200 - Math.round(2 * often), arbitrary: fc.constant(null) },
    { weight: Math.round(2 * often), arbitrary: value },
  )

const fatesOf = (lost: number, holders: number): fc.Arbitrary<SiteFates> =>
  fc.record({
    deal: fc.record({ fate: fateOf(lost), damaged: rarely(lost > 0 ? 4 : 0, fc.nat({ max: holders - 1 })) }),
    check: fateOf(lost),
    contribute: fc.record({
      fate: fateOf(lost),
      parts: rarely(lost / 2, fc.constantFrom(0, 1)),
    }),
    // A threshold leaves room for many: it takes more to fall below it.
    answer: fateOf(Math.min(90, Math.round(1.7 * lost))),
  })

const moments: readonly KillMoment[] = ['before the state is stored', 'before its effects', 'after its effects']

interface LossSizes {
  readonly holders?: number
  readonly attempts?: number
  /** Up to so many. */
  readonly colluders?: number
  /** Of a hundred times that a site has something to do. */
  readonly mostLost?: number
}

/** Cases of `sites` sites: losses from none to most of them, kills of the coordinator in every third. */
export const lossCase = (
  sites: number,
  { holders = sites, attempts = 3, colluders = 1, mostLost = 45 }: LossSizes = {},
): fc.Arbitrary<LossCase> =>
  fc
    .constantFrom(0, 5, 12, 25, 45)
    .map((lost) => Math.min(lost, mostLost))
    .chain((lost) =>
      fc.integer({ min: 0, max: colluders }).chain((c) =>
        fc.record({
          sites: fc.constant(sites),
          colluders: fc.constant(c),
          holders: fc.constant(holders),
          least: fc.integer({ min: Math.min(sites, Math.max(c, 1) + 2), max: sites }),
          dimension: fc.constantFrom(1, 700, 4_700),
          attempts: fc.array(fc.array(fatesOf(lost, holders), { minLength: sites, maxLength: sites }), {
            minLength: attempts,
            maxLength: attempts,
          }),
          order: fc.array(fc.nat(), { minLength: sites, maxLength: sites }),
          isModelLate: fc.boolean(),
          kills: fc
            .oneof(
              { weight: 2, arbitrary: fc.constant([]) },
              {
                weight: 1,
                arbitrary: fc.array(fc.tuple(fc.nat({ max: 6 * sites }), fc.constantFrom(...moments)), {
                  maxLength: 4,
                }),
              },
            )
            .map((kills): ReadonlyMap<number, KillMoment> => new Map(kills)),
        }),
      ),
    )

/** Nothing happens to anybody. */
export const calmFates: SiteFates = {
  deal: { fate: 'here', damaged: null },
  check: 'here',
  contribute: { fate: 'here', parts: null },
  answer: 'here',
}
