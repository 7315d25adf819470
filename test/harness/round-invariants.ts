import type { SiteId } from '@tributary/shared/ids'
import type { InProcessFederation } from './in-process-federation.ts'

/**
 * What must hold at every moment of a run, whatever was lost or killed; throws at the first breach. R3: one contribution a
 * round (checked where it leaves, byte for byte). R4: one contributor set a round. R6: nothing left that was not charged, and
 * a site is charged at most one attempt a crash, a pause or a revocation more than left it. Sums: exactly the announced sites, once each. Model: every
 * opened step applied once. R24: only an opened deal has its boxes opened, and nothing was ever sealed under it.
 */
export const checkInvariants = async (federation: InProcessFederation): Promise<void> => {
  const { manifest, sites, coordinator, announced, departed } = federation
  const least = manifest.federation.least_contributors
  const breach = (what: string): never => {
    throw new Error(`broken: ${what}`)
  }
  for (const each of federation.breaches) breach(each)
  for (const { step, attempt, contributors, counts, others } of coordinator.opened) {
    const names: readonly SiteId[] = sites.map(({ name }) => name)
    const expected = names.map((name) => (contributors.includes(name) ? 1 : 0))
    if (others || counts.join() !== expected.join())
      breach(`step ${step}, attempt ${attempt}: opened ${counts} for ${contributors}`)
    if (contributors.length < least) breach(`step ${step}: opened with ${contributors.length} of at least ${least}`)
  }
  for (const opening of departed.filter(({ kind }) => kind === 'deal opening')) {
    const isItsRound = (each: (typeof departed)[number]) => each.site === opening.site && each.round === opening.round
    if (departed.some((each) => each.kind === 'contribution' && isItsRound(each)))
      breach(`R24: ${opening.site} opened its deal and contributed under it`)
  }
  for (const { site, about } of departed.filter(({ kind }) => kind === 'box opening'))
    if (!departed.some((each) => each.kind === 'deal opening' && each.about === about))
      breach(`R24: ${site} opened a box of a deal that its dealer never opened`)
  for (const [round, sets] of announced) if (sets.size > 1) breach(`R4: ${sets.size} sets announced for ${round}`)
  for (const site of sites) {
    // Crashes, losses and resends are no restores: nobody stops for another's evidence.
    if (!site.gate.isDead && site.ledger.restoration(() => undefined) !== null)
      breach(`R4: ${site.name} takes itself for restored`)
    const charged = site.charged()
    const left = departed.filter((each) => each.site === site.name && each.kind === 'contribution')
    for (const { round } of left) if (!charged.has(round)) breach(`R6: ${site.name} sent ${round} without a charge`)
    if (charged.size > left.length + site.crashes + site.decisions)
      breach(
        `R6: ${site.name} paid for ${charged.size}, sent ${left.length}, stopped ${site.crashes + site.decisions} times`,
      )
  }
  if ((await federation.expectedModel()) !== coordinator.run(federation.study).model)
    breach('the model is not every opened sum applied once')
}
