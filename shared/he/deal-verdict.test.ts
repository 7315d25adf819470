import { describe, expect, it } from 'vitest'
import { osRandom } from '../../test/harness/sealed-round.ts'
import { digest, roundId, type SiteId, siteId, studyId } from '../ids.ts'
import { encodeCanonical, hashBytes } from '../wire/canonical.ts'
import { type BoxKeys, derivedBoxKey, newBoxKeys, openBox, sealBox } from './box.ts'
import { complainants, type DisputedDeal, dealVerdict, type Verdict } from './deal-verdict.ts'
import { ringFacts } from './ring-parameters.ts'
import { dealShares } from './shamir.ts'
import { openShare, packShare } from './share.ts'
import { areConsistent, checkValue } from './share-check.ts'
import { newSiteKey } from './site-key.ts'

const ring = { degree: 8, q: ringFacts.q }
const threshold = 3
const holders = ['a', 'b', 'c', 'd', 'e'].map(siteId)
const [a, b, c, d, e] = holders as [SiteId, SiteId, SiteId, SiteId, SiteId]
const dealer = d
const context = {
  study: studyId('1'.repeat(64)),
  round: roundId('2'.repeat(64)),
  roster: digest('3'.repeat(64)),
  from: dealer,
}
const keys = new Map(holders.map((site) => [site, newBoxKeys()]))
const keysOf = (site: SiteId) => keys.get(site) as BoxKeys

interface Play {
  /** What the dealer puts into its boxes, and to whose keys it seals them. */
  readonly shares?: (shares: readonly Uint8Array[]) => readonly Uint8Array[]
  readonly sealedTo?: ReadonlyMap<SiteId, Uint8Array>
  readonly opening?: (keys: readonly Uint8Array[]) => readonly Uint8Array[] | null
  /** What holders sign instead of the truth; 'absent': nothing. */
  readonly checks?: Readonly<Record<string, 'null' | 'wrong' | 'absent'>>
  /** What complaining holders answer instead of the key that they derive. */
  readonly openings?: Readonly<Record<string, 'silent' | 'null' | 'wrong'>>
}

/** A whole dispute: an honest dealer and honest holders but for what `play` says. */
const disputed = (play: Play): DisputedDeal => {
  const dealt = dealShares(ring, newSiteKey(ring, osRandom), threshold, [1, 2, 3, 4, 5], osRandom)
  const sealed = (play.shares?.(dealt) ?? dealt).map((share, i) => {
    const to = holders[i]!
    return sealBox(play.sealedTo?.get(to) ?? keysOf(to).publicKey, { ...context, to }, share)
  })
  const boxes = sealed.map(({ box }) => box)
  const { study, round, roster } = context
  const listed = boxes.map((box, i) => ({ to: holders[i]!, box: hashBytes(box) }))
  const deal = { study, step: 0, attempt: 0, round, roster, epoch: 0, boxes: listed, seen: [] }
  const opened = sealed.map(({ key }) => key)
  const opening = play.opening === undefined ? opened : play.opening(opened)
  const checks = new Map<SiteId, Uint8Array | null>()
  for (const [i, site] of holders.entries()) {
    const said = play.checks?.[site]
    if (said === 'absent') continue
    try {
      const share = openBox(keysOf(site), { ...context, to: site }, boxes[i]!)
      const value = checkValue(ring, { round, deal: hashBytes(encodeCanonical(deal)) }, share)
      if (said === 'wrong') value[0] = value[0]! ^ 1
      checks.set(site, said === 'null' ? null : value)
    } catch {
      checks.set(site, null)
    }
  }
  const without = { context, threshold, holders, dealer, deal, boxes, checks, opening }
  const boxOpenings = new Map<SiteId, Uint8Array | null>()
  for (const site of complainants(ring, without)) {
    const answer = play.openings?.[site]
    if (answer === 'silent') continue
    const derived = derivedBoxKey(keysOf(site), { ...context, to: site }, boxes[holders.indexOf(site)]!)
    if (answer === 'wrong') derived[43] = derived[43]! ^ 1
    boxOpenings.set(site, answer === 'null' ? null : derived)
  }
  return { ...without, boxOpenings }
}

const change = (share: Uint8Array, at: number) => {
  const { residues, mask } = openShare(ring, share)
  residues[at] = (residues[at]! + 1n) % ring.q.value
  return packShare(ring, { residues, mask })
}
const maskChanged = (share: Uint8Array) => {
  const { residues, mask } = openShare(ring, share)
  return packShare(ring, { residues, mask: (mask + 1n) % ring.q.value })
}
const found = (...findings: [SiteId, Verdict['holders'][number]['finding']][]) =>
  findings.map(([site, finding]) => ({ site, finding }))
const strange = newBoxKeys().publicKey

describe('R24 deal verdict', () => {
  it.each<[string, Play, Verdict['dealer'], Verdict['holders'], RegExp]>([
    ['nobody did wrong', {}, 'sound', [], /fits together/],
    ['the dealer would not open', { opening: () => null, checks: { a: 'wrong' } }, 'unopened', [], /would not open/],
    ['the dealer opened too few boxes', { opening: (k) => k.slice(1) }, 'bad', [], /other boxes than its 5/],
    ['the dealer opened no box', { opening: () => [] }, 'bad', [], /other boxes/],
    [
      'the dealer signed a key that does not open its box',
      { opening: (k) => k.with(1, new Uint8Array(44)) },
      'bad',
      [],
      /box for b holds no share/,
    ],
    ['the dealer signed its keys in another order', { opening: (k) => k.toReversed() }, 'bad', [], /box for a/],
    ['a box holds no share', { shares: (s) => s.with(2, new Uint8Array(3)) }, 'bad', [], /box for c holds no share/],
    [
      'a share has a residue of 2^58 - 1',
      { shares: (s) => s.with(2, s[2]!.slice().fill(255, 16, 30)) },
      'bad',
      [],
      /box for c holds no share/,
    ],
    ['a mask is not below q', { shares: (s) => s.with(0, s[0]!.slice().fill(255, -8)) }, 'bad', [], /box for a/],
    ['one coefficient of one share is off', { shares: (s) => s.with(4, change(s[4]!, 7)) }, 'bad', [], /polynomial/],
    ['one mask is off', { shares: (s) => s.with(1, maskChanged(s[1]!)) }, 'bad', [], /polynomial/],
    ['two holders got each other’s share', { shares: (s) => [s[1]!, s[0]!, ...s.slice(2)] }, 'bad', [], /polynomial/],
    [
      'the deal is bad and a holder lies too: the dealer is named, nobody else',
      { shares: (s) => s.with(4, change(s[4]!, 0)), checks: { a: 'wrong' } },
      'bad',
      [],
      /polynomial/,
    ],
    ['a holder signed a wrong value', { checks: { b: 'wrong' } }, 'sound', found([b, 'lied']), /^b signed another/],
    ['a holder denied its share', { checks: { e: 'null' } }, 'sound', found([e, 'lied']), /^e signed another/],
    [
      'a complaining holder is silent',
      { checks: { b: 'wrong' }, openings: { b: 'silent' } },
      'sound',
      found([b, 'silent']),
      /^b complained and did not open/,
    ],
    [
      'a complaining holder says that it can derive no key',
      { checks: { b: 'null' }, openings: { b: 'null' } },
      'sound',
      found([b, 'contradicts']),
      /^b and d signed different keys/,
    ],
    [
      'a complaining holder signs another key',
      { checks: { b: 'wrong' }, openings: { b: 'wrong' } },
      'sound',
      found([b, 'contradicts']),
      /^b and d signed different keys/,
    ],
    [
      'the dealer sealed to a key that is not the holder’s: undecided, both are named',
      { sealedTo: new Map([[c, strange]]) },
      'sound',
      found([c, 'contradicts']),
      /^c and d signed different keys/,
    ],
    [
      'three complain, each in its own way',
      { checks: { a: 'wrong', c: 'null', e: 'wrong' }, openings: { c: 'silent', e: 'wrong' } },
      'sound',
      found([a, 'lied'], [c, 'silent'], [e, 'contradicts']),
      /^a signed .*; c complained .*; e and d/,
    ],
    ['the dealer lies as a holder of its own deal', { checks: { d: 'wrong' } }, 'sound', found([d, 'lied']), /^d/],
    [
      'a holder that signed nothing is not named',
      { checks: { a: 'absent', b: 'wrong' } },
      'sound',
      found([b, 'lied']),
      /^b/,
    ],
  ])('%s', (_, play, dealt, named, why) => {
    const evidence = disputed(play)
    const verdict = dealVerdict(ring, evidence)
    expect([verdict.dealer, verdict.holders]).toEqual([dealt, named])
    expect(verdict.why).toMatch(why)
    expect(complainants(ring, evidence)).toEqual(named.map(({ site }) => site))
  })

  it('an honest dealer is never bad and an honest holder never lied, whoever else plays false', () => {
    const ways = ['null', 'wrong'] as const
    for (const check of ways) {
      for (const answer of ['silent', 'null', 'wrong', undefined] as const) {
        const { dealer: dealt, holders: named } = dealVerdict(
          ring,
          disputed({ checks: { a: check, c: check }, ...(answer && { openings: { a: answer, c: answer } }) }),
        )
        expect(dealt).toBe('sound')
        expect(named.map(({ site }) => site)).toEqual([a, c])
      }
    }
    for (const shares of [(s: readonly Uint8Array[]) => s.with(0, change(s[0]!, 3)), undefined]) {
      const verdict = dealVerdict(ring, disputed({ ...(shares && { shares }), sealedTo: new Map([[b, strange]]) }))
      expect(verdict.holders.filter(({ finding }) => finding !== 'contradicts')).toEqual([])
    }
  })

  it('names somebody whenever all of the values do not fit', () => {
    for (const play of [
      { checks: { a: 'wrong' } },
      { shares: (s: readonly Uint8Array[]) => s.with(2, change(s[2]!, 1)) },
    ]) {
      const evidence = disputed(play as Play)
      const values = [...evidence.checks].map(([, value], i) => ({ holder: i + 1, value: value as Uint8Array }))
      expect(areConsistent(ring, values, threshold)).toBe(false)
      const { dealer: dealt, holders: named } = dealVerdict(ring, evidence)
      expect(dealt === 'bad' || named.length > 0).toBe(true)
    }
  })

  const evidence = disputed({ checks: { b: 'wrong' } })
  const { deal, boxes } = evidence
  it.each<[string, Partial<DisputedDeal>, string]>([
    ['boxes in another order', { boxes: boxes.toReversed() }, 'boxes'],
    [
      'a box that was altered',
      {
        boxes: boxes.with(
          0,
          boxes[0]!.map((byte, i) => (i === 1200 ? byte ^ 1 : byte)),
        ),
      },
      'boxes',
    ],
    ['a box too few', { boxes: boxes.slice(1) }, 'boxes'],
    ['other holders', { holders: [b, a, c, d, e] }, 'boxes'],
    ['fewer holders', { holders: [a, b, c, d] }, 'boxes'],
    ['a deal of another round', { deal: { ...deal, round: roundId('9'.repeat(64)) } }, 'context'],
    ['a deal of another study', { deal: { ...deal, study: studyId('9'.repeat(64)) } }, 'context'],
    ['a deal of another roster', { deal: { ...deal, roster: digest('9'.repeat(64)) } }, 'context'],
    ['another dealer', { dealer: a }, 'context'],
    ['a threshold above the holders', { threshold: 6 }, 'threshold'],
    ['a threshold of one', { threshold: 1 }, 'threshold'],
  ])('%s: no verdict, the evidence is refused', (_, wrong, field) => {
    const refused = expect.objectContaining({ code: 'BOX_INVALID', place: { field } })
    expect(() => dealVerdict(ring, { ...evidence, ...wrong })).toThrow(refused)
    expect(() => complainants(ring, { ...evidence, ...wrong })).toThrow(refused)
  })
})
