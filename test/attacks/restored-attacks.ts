import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SiteId } from '@tributary/shared/ids'
import type { Adversary, AdversaryParts } from './adversary.ts'
import { type Attack, said } from './attack.ts'
import { allBut, outcome, usual, withAdversary } from './usual-attack.ts'

/** Twelve of them hold shares, the last two collude, t = 8: six honest answers open a sum. */
const large: AdversaryParts = {
  sites: 26,
  colluders: 2,
  least: 20,
  helpers: 2,
  committee: Array.from({ length: 12 }, (_, i) => 14 + i),
}

/** Hospitals that came back from a copy of their disk. */
export const restoredAttacks: readonly Attack[] = [
  {
    name: 'a hospital restored from a snapshot, asked a second time',
    rules: 'R4',
    expects: {
      happened:
        'answered for all; put back to before its answer and asked for another set: answered; put back to before the round and shown its peers in the next: LEDGER_RESTORED',
      // It counts as a colluder, and c = 1 besides it is one fewer than 2t - n = 3.
      learns: 'chance',
      named: ['h01, in refusals', 'h04, by itself'],
    },
    run: () => withAdversary(usual, (adversary) => snapshot(adversary)),
  },
  {
    name: 'show a restored hospital only deals of peers that know nothing of it',
    rules: 'R4',
    expects: {
      happened:
        'of 20 dealers 6 hold shares, and saw no set with it: ROUND_REFUSED; all deals: LEDGER_RESTORED; charged since: 0',
      learns: 'chance',
      named: ['h15, in refusals', 'h01, by itself'],
    },
    run: () => withAdversary(large, ignorantPeers),
  },
]

const withSnapshots = async <T>(
  adversary: Adversary,
  site: SiteId,
  work: (snapshots: { keep(name: string): void; putBack(name: string): void }) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-snapshot-'))
  const keep = (name: string) =>
    adversary.site(site).restart((dataDir) => cpSync(dataDir, join(folder, name), { recursive: true }))
  const putBack = (name: string) =>
    adversary.site(site).restart((dataDir) => {
      rmSync(dataDir, { recursive: true })
      cpSync(join(folder, name), dataDir, { recursive: true })
    })
  try {
    return await work({ keep, putBack })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const snapshot = async (adversary: Adversary) => {
  const [victim, , , restored] = adversary.names() as [SiteId, SiteId, SiteId, SiteId]
  return await withSnapshots(adversary, restored, async ({ keep, putBack }) => {
    keep('before the round')
    const fields = await adversary.upTo(0, 0)
    keep('before its answer')
    const all = adversary.announcement(fields, adversary.sites)
    const first = said((await adversary.ask(all, adversary.names())).at(-1) ?? null, 'answered')
    putBack('before its answer')
    const without = adversary.announcement(fields, allBut(adversary, victim))
    const second = said((await adversary.ask(without, [restored]))[0] ?? null, 'answered')
    const learned = adversary.learned(fields, victim)
    const control = adversary.control(fields, victim)
    // The others saw its contribution announced and tell it so in their next deals.
    putBack('before the round')
    await adversary.deal(0, 1)
    const third = await adversary.tell(restored, { kind: 'check', study: adversary.study, step: 0, attempt: 1 })
    return {
      happened: `${first} for all; put back to before its answer and asked for another set: ${second}; put back to before the round and shown its peers in the next: ${said(third)}`,
      learned,
      control,
      named: adversary.named,
    }
  })
}

/** Whom the coordinator did not ask for the first sum knows nothing of its contributors, and sites without shares never do. */
const ignorantPeers = async (adversary: Adversary) => {
  const [restored] = adversary.names() as [SiteId]
  const answering = adversary.honestHolders.slice(0, adversary.threshold - adversary.colluders.length)
  return await withSnapshots(adversary, restored, async ({ keep, putBack }) => {
    keep('before the round')
    const fields = await adversary.upTo(0, 0)
    await adversary.ask(adversary.announcement(fields, adversary.sites), answering)
    const read = outcome(adversary, fields, restored)
    putBack('before the round')
    const next = await adversary.deal(0, 1)
    const ignorant = adversary.holders.filter((site) => !answering.includes(site))
    const others = adversary.sites.filter((site) => !adversary.holders.includes(site))
    const charged = adversary.site(restored).charged().size
    const told = async (dealers: readonly SiteId[]) => {
      const isDealer = (site: string) => dealers.some((dealer) => dealer === site)
      adversary.onBoxes = (_, boxes) => boxes.filter(({ deal }) => isDealer(deal.signer))
      const listed = adversary.dealersOf(next).filter(({ site }) => isDealer(site))
      const broadcast = adversary.broadcast(next, { dealers: listed })
      return said(await adversary.tell(restored, { kind: 'contribute', broadcast }))
    }
    const few = await told([...others, ...ignorant])
    const all = await told(adversary.sites)
    return {
      happened: `of ${others.length + ignorant.length} dealers ${ignorant.length} hold shares, and saw no set with it: ${few}; all deals: ${all}; charged since: ${adversary.site(restored).charged().size - charged}`,
      ...read,
      named: adversary.named,
    }
  })
}
