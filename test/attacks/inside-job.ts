import { wireStepOf } from '@tributary/shared/dp/fold'
import { queryOfStep } from '@tributary/shared/dp/steps'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { OpenedCounts } from '../harness/in-process-coordinator.ts'
import { createRing } from '@tributary/shared/he/create-ring'
import type { Ring } from '@tributary/shared/he/ring'
import type { SlotLayout } from '@tributary/shared/he/slots'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import type { UploadPart } from '@tributary/shared/wire/federation-api'
import type { CodedError } from '@tributary/shared/errors'
import { Contribution } from '../../site-agent/contribution/contribution.ts'
import { approvedStudy } from '../../site-agent/policy/approved-study.ts'
import { InProcessFederation } from '../harness/in-process-federation.ts'
import { uniform } from './uniform-vector.ts'
import { attackSite, type AttackStudy, attackStudy } from './attack-study.ts'
import { Colluder } from './colluder.ts'
import type { Learned } from './holdings.ts'
import { InsiderTurns, type Tricks } from './insider-turns.ts'
import { overhearing } from './overhearing.ts'
import { Overheard } from './overheard.ts'

const ring = createRing()

/**
 * The product's coordinator and agents on the real ring, with one hospital in bad hands; all that passes is overheard, as if the
 * network were open.
 */
export class InsideJob {
  readonly federation: InProcessFederation
  readonly insider: Colluder
  readonly heard: Overheard
  readonly turns: InsiderTurns
  /** What honest sites met with, in order. */
  readonly errors: { readonly site: SiteId; readonly error: CodedError }[] = []
  /** Vectors of honest sites. */
  onQuery: (site: SiteId, layout: SlotLayout) => Float64Array = (_, layout) => uniform(layout)
  /** Sites that get no turn now. */
  isAway: (site: SiteId) => boolean = () => false
  /** What the network makes of a part on its way. */
  onPart: (site: SiteId, part: UploadPart) => UploadPart = (_, part) => part
  readonly #given = new Map<SiteId, Float64Array>()

  private constructor(
    engine: Ring,
    federation: InProcessFederation,
    parts: {
      readonly insider: number
      readonly tricks: Tricks
    },
  ) {
    const name = attackSite(parts.insider)
    this.federation = federation
    const { study, manifest, roster } = federation
    const approved = approvedStudy(study, manifest, roster, name)
    const boxKeys = federation.site(name).boxKeys().privateKeys(study, 0)
    this.insider = new Colluder({ ring: engine, approved, identity: federation.identityOf(name), boxKeys })
    this.heard = new Overheard(engine, approved)
    for (const site of federation.sites) {
      site.execute = async ({ queryIndex }) => {
        const query = approved.queries[queryIndex] as (typeof approved.queries)[number]
        const step = approved.queries.slice(0, queryIndex).reduce((sum, { steps }) => sum + steps, 0)
        const values = this.onQuery(site.name, this.heard.layoutOf(step))
        this.#given.set(site.name, values.slice())
        return new Contribution(query, values)
      }
    }
    const { coordinator } = federation
    coordinator.handlers = overhearing(coordinator.handlers, {
      heard: this.heard,
      onPart: (site, part) => this.onPart(site, part),
      givenBy: (site) => (site === name ? undefined : this.#given.get(site)),
    })
    this.turns = new InsiderTurns({ federation, insider: this.insider, heard: this.heard, tricks: parts.tricks })
  }

  /** `committee`: nobody; at most 20 sites. */
  static async open(
    parts: AttackStudy & {
      readonly insider: number
      readonly tricks: Tricks
    },
  ): Promise<InsideJob> {
    const engine = await ring
    const federation = await InProcessFederation.open(attackStudy(parts), { ring: engine })
    return new InsideJob(engine, federation, parts)
  }

  get honest(): SiteId[] {
    return this.federation.sites.map(({ name }) => name).filter((name) => name !== this.insider.name)
  }

  /** Turns of everybody and time, until `isDone`; throws when that takes too long. */
  async until(isDone: () => boolean): Promise<void> {
    for (let i = 0; i < 120; i++) {
      for (const name of [...this.honest, this.insider.name]) {
        if (isDone()) return
        if (this.isAway(name)) continue
        if (name === this.insider.name) await this.turns.turn()
        else await this.#honestTurn(name)
        await this.federation.quiet()
      }
      await this.federation.advance(10_000)
    }
    const { outcome, step } = this.federation.outcome
    throw new Error(`still ${outcome} in step ${step}`, { cause: this.errors })
  }

  /** Until the sum of `step` is opened; the contributors. */
  async opened(step = 0) {
    const found = () => this.federation.coordinator.opened.find((each) => each.step === step)
    await this.until(() => found() !== undefined)
    return found() as NonNullable<ReturnType<typeof found>>
  }

  learned(round: RoundId, victim: SiteId): Learned {
    return this.heard.learned(round, victim, [this.insider])
  }

  control(round: RoundId, victim: SiteId): Learned {
    const { threshold } = this.federation.manifest.plan
    const insiders = this.honest.slice(0, threshold - 1).map((name) => {
      const { study, manifest, roster } = this.federation
      const approved = approvedStudy(study, manifest, roster, name)
      const boxKeys = this.federation.site(name).boxKeys().privateKeys(study, 0)
      return new Colluder({ ring: this.heard.ring, approved, identity: this.federation.identityOf(name), boxKeys })
    })
    return this.heard.learned(round, victim, [this.insider], this.heard.forbidden(round, insiders, [victim]))
  }

  /** Whether an opened sum is the sum of what its contributors gave. */
  isExact({ step, attempt, contributors, sum }: OpenedCounts): boolean {
    return this.differences({ step, attempt, contributors, sum }).length === 0
  }

  /** Where an opened sum is another than that of what its contributors gave, and by how many steps of the grid. */
  differences({ step, attempt, contributors, sum }: Pick<OpenedCounts, 'step' | 'attempt' | 'contributors' | 'sum'>) {
    const { queries } = approvedStudy(
      this.federation.study,
      this.federation.manifest,
      this.federation.roster,
      this.insider.name,
    )
    const grid = (queries[queryOfStep(queries, step).query] as (typeof queries)[number]).grid
    const vectors = contributors.map((site) => this.truthOf(roundIdOf(this.federation.study, step, attempt), site))
    return [...sum].flatMap((value, at) => {
      const by = Math.round(value / wireStepOf(grid)) - vectors.reduce((all, vector) => all + (vector[at] ?? 0), 0)
      return by === 0 ? [] : [{ at, by }]
    })
  }

  truthOf(round: RoundId, site: SiteId): Float64Array {
    return this.heard.truthOf(round, site)
  }

  /** Whom the coordinator's log names, whose answers it suspects, and whom it refused. */
  get named(): SiteId[] {
    const { coordinator, sites } = this.federation
    const logged = coordinator.logged.map(({ site }) => site)
    const suspects: readonly SiteId[] = coordinator.opened.flatMap((opened) => opened.suspects)
    const isNamed = (site: SiteId): boolean =>
      logged.includes(site) || suspects.includes(site) || (site === this.insider.name && this.turns.refused.length > 0)
    return sites.map(({ name }) => name).filter(isNamed)
  }

  close(): void {
    this.federation.close()
  }

  async #honestTurn(name: SiteId): Promise<void> {
    const { error } = await this.federation.site(name).turn()
    if (error !== null) this.errors.push({ site: name, error })
  }
}
