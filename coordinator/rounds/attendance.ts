import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import type { PublishedStudy } from '../studies/study-store.ts'
import type { RoundTerms } from './round.ts'
import { termsOf } from './round-terms.ts'

/** Who of a study's sites takes part and is waited for, as things stand. */
export class Attendance {
  readonly terms: RoundTerms
  readonly #barred: () => readonly SiteId[]
  /** Missed a deadline and not heard from since: not waited for. A restart gives everybody another chance. */
  readonly #absent = new Set<SiteId>()

  /** `barred`: who was revoked or removed from the roster, asked every time. */
  constructor(published: PublishedStudy, barred: () => readonly SiteId[]) {
    this.terms = termsOf(published)
    this.#barred = barred
  }

  heard(site: SiteId): void {
    this.#absent.delete(site)
  }

  missed(sites: readonly SiteId[]): void {
    for (const site of sites) this.#absent.add(site)
  }

  termsNow(): RoundTerms {
    const barred = this.#barred()
    const awaited = this.terms.sites.filter((site) => !this.#absent.has(site) && !barred.includes(site))
    return { ...this.terms, awaited, barred }
  }

  /** Throws `ROSTER_REFUSED` for a site that is not in the study, or no longer. */
  requireMember(site: SiteId): void {
    if (!this.terms.sites.includes(site)) throw new CodedError('ROSTER_REFUSED', `${site} is not in this study`)
    if (this.#barred().includes(site))
      throw new CodedError('ROSTER_REFUSED', `${site} was revoked or removed from the roster of this study`)
  }
}
