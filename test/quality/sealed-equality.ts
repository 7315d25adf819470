import { totalSteps } from '@tributary/shared/dp/steps'
import { createRing } from '@tributary/shared/he/create-ring'
import { openSum } from '@tributary/shared/he/open-sum'
import { interpolateKey } from '@tributary/shared/he/shamir'
import type { Manifest } from '@tributary/shared/study/manifest'
import { queryFactsOf } from '@tributary/shared/dp/query-facts'
import { queriesOf } from '@tributary/shared/study/plan-block'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { decodeParameters } from '@tributary/shared/synthesizers/parameters'
import type { Engine } from '@tributary/shared/tensor/engine'
import { Training } from '../../coordinator/model/training.ts'
import type { EncodedRecords } from '../../site-agent/records/encoded-records.ts'
import { contextNamed, repliesOf, sealedSites, sumOf } from '../harness/sealed-round.ts'
import { contributionsOf, plainSum } from './pooled-training.ts'

/**
 * One round of each query, twice: the integers of the sites' contributions added in the clear, and the same integers sealed,
 * added and opened by the product under SEAL with the study's own slots and threshold. Throws where one differs; returns how
 * many were compared. The equality is for every round of that layout: shared/he/slots.ts has the argument.
 */
export const requireSealedEqualsPlain = async (
  manifest: Manifest,
  sites: readonly EncodedRecords[],
  engine: Engine,
): Promise<number> => {
  const ring = await createRing()
  const { threshold } = manifest.plan
  const facts = queryFactsOf(manifest)
  const training = Training.initial(manifest, 1)
  let compared = 0
  const queries = queriesOf(manifest.plan)
  for (const [index, query] of queries.entries()) {
    const step = totalSteps(queries.slice(0, index))
    const parameters = decodeParameters(training.parameters(step, manifest), facts[index]!.announced)
    const vectors = await contributionsOf(manifest, index, sites, parameters, engine)
    const layout = slotLayoutOf(query, sites.length)
    const context = contextNamed(query.kind)
    const sealed = sealedSites(ring, layout, threshold, vectors, () => context)
    const holders = sealed.slice(0, threshold).map(({ holder }) => holder)
    const { key } = interpolateKey(ring, repliesOf(ring, sealed, holders), threshold)
    const opened = openSum(ring, key, sumOf(ring, layout, sealed), sealed.length, context)
    const plain = plainSum(query.dimension, vectors)
    const wrong = plain.findIndex((integer, i) => integer !== opened[i])
    if (wrong >= 0 || opened.length !== plain.length)
      throw new Error(`${query.kind}: the sealed sum is not the plain one at value ${wrong}`)
    compared += plain.length
  }
  return compared
}
