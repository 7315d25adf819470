import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { siteId } from '@tributary/shared/ids'
import { stepsPerEpoch } from '@tributary/shared/study/epoch'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { coordinatorName, memberOf, rosterHash } from '@tributary/shared/wire/roster'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { afterEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
const open = async (steps: number) => {
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps, spares: { marginals: 1, gradient: 2 } })
}
afterEach(() => federation.close())

const ash = () => federation.site('ash')
const sent = (kind: string) => federation.departed.filter((each) => each.site === 'ash' && each.kind === kind)
const over = { code: 'ROUND_REFUSED', place: { field: 'epoch' } }

/** The coordinator asks ash for a step of the next epoch but one, with keys that every site brought for it. */
const skipAhead = async () => {
  const step = stepsPerEpoch + 2
  const { study } = federation
  const boxKeys = federation.sites.map((site) =>
    site.boxKeys().statement(study, 1, site.name, federation.identityOf(site.name)),
  )
  // The honest desk has no such round: ash dealt for it all the same.
  await expect(ash().worker.perform({ kind: 'deal', study, step, attempt: 0, boxKeys })).rejects.toMatchObject({
    code: 'ROUND_REFUSED',
  })
  expect(sent('deal')).not.toEqual([])
}

describe('an epoch that is over (forward secrecy of the boxes)', () => {
  it('epoch expired: nothing is dealt, checked or answered for it any more, also after a restart', async () => {
    await open(stepsPerEpoch + 8)
    await federation.reach('answering')
    const task = await ash().next()
    if (task.kind !== 'answer') throw new Error(`an answer is due, not ${task.kind}`)
    await skipAhead()
    for (const isRestarted of [false, true]) {
      if (isRestarted) ash().restart()
      const { study } = federation
      await expect(ash().worker.perform(task)).rejects.toMatchObject(over)
      const attempt = { study, step: 0, attempt: 1 }
      await expect(ash().worker.perform({ kind: 'deal', ...attempt, boxKeys: [] })).rejects.toMatchObject(over)
      await expect(ash().worker.perform({ kind: 'check', ...attempt, attempt: 0 })).rejects.toMatchObject(over)
    }
    expect(sent('answer')).toEqual([])
  })

  it('epoch expired: what was answered in it is given again, the same bytes (R4)', async () => {
    await open(stepsPerEpoch + 8)
    await federation.reach('answering')
    const task = await ash().next()
    if (task.kind !== 'answer') throw new Error(`an answer is due, not ${task.kind}`)
    await ash().worker.perform(task)
    await skipAhead()
    await ash().worker.perform(task)
    expect(sent('answer')).toMatchObject([{ times: 2 }])
  })

  it('a run goes over from one epoch to the next, and the keys of the first are gone from every disk', async () => {
    await open(stepsPerEpoch + 1)
    await federation.complete(2_000)
    expect(federation.outcome).toMatchObject({ outcome: 'completed' })
    expect(federation.coordinator.opened).toHaveLength(stepsPerEpoch + 2)
    for (const { name } of federation.sites) {
      const folder = join(federation.folder, name, 'box-keys')
      const kept = readdirSync(folder).filter((each) => existsSync(join(folder, each, 'keys')))
      expect(kept).toEqual([`${federation.study}-1`])
    }
    await checkInvariants(federation)
  })
})

describe('a holder that deals no more', () => {
  const step = stepsPerEpoch + 2
  const hasKeys = (epoch: number) =>
    existsSync(join(federation.folder, 'ash', 'box-keys', `${federation.study}-${epoch}`, 'keys'))

  it('erases the box keys of epochs that are over when it checks', async () => {
    await open(stepsPerEpoch + 8)
    // The coordinator has no such rounds.
    expect(hasKeys(0)).toBe(true)
    await expect(
      ash().worker.perform({ kind: 'check', study: federation.study, step: stepsPerEpoch, attempt: 0 }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' })
    // The step before may still be answered for.
    expect(hasKeys(0)).toBe(true)
    await expect(
      ash().worker.perform({ kind: 'check', study: federation.study, step, attempt: 0 }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(hasKeys(0)).toBe(false)
  })

  it('and when it answers', async () => {
    federation = await InProcessFederation.open({
      sites: 4,
      least: 3,
      steps: stepsPerEpoch + 8,
      spares: { marginals: 1, gradient: 2 },
    })
    const [{ study }, digest] = [federation, hashBytes(new Uint8Array())]
    const round = roundIdOf(study, step, 0)
    const fields = { study, step, attempt: 0, round, roster: rosterHash(federation.roster), model: digest }
    const contributors = ['birch', 'cedar', 'date'].map(siteId).map((site) => {
      const sealed = { ...fields, deal: digest, ciphertext: digest, bytes: 1, counter: step, charged: step }
      const { body, signature } = signBody('contribution', site, sealed, federation.identityOf(site))
      return { site, deal: digest, body, signature }
    })
    const announcement = signBody(
      'announcement',
      coordinatorName,
      { ...fields, contributors },
      federation.coordinatorIdentity,
    )
    await expect(ash().worker.perform({ kind: 'answer', announcement })).rejects.toThrow()
    expect(hasKeys(0)).toBe(false)
  })
})

describe('the box keys of an epoch', () => {
  it('are brought once a process, the next epoch’s ahead, and again to a coordinator that lost them', async () => {
    await open(stepsPerEpoch + 8)
    const brought: number[] = []
    const { coordinator } = federation
    const { handlers } = coordinator
    coordinator.handlers = {
      ...handlers,
      putBoxKeys: (peer, message) => {
        if (peer.site === 'ash')
          brought.push(openBody('box-keys', message, memberOf(federation.roster, siteId('ash'))).epoch)
        return handlers.putBoxKeys(peer, message)
      },
    }
    await federation.reach('dealing', 2)
    expect(brought).toEqual([0, 1])
    ash().restart()
    await federation.reach('contributing', 2)
    expect(brought).toEqual([0, 1, 0, 1])
    // From here on ash is shown a list that it is not on.
    const { next } = coordinator.handlers
    coordinator.handlers = {
      ...coordinator.handlers,
      next: async (peer, request, signal) => {
        const task = await next(peer, request, signal)
        if (peer.site !== 'ash' || task.kind !== 'deal') return task
        return { ...task, boxKeys: task.boxKeys.filter(({ signer }) => signer !== 'ash') }
      },
    }
    await federation.reach('checking', 3)
    expect(brought).toEqual([0, 1, 0, 1, 0])
  })
})

describe('a deal for another epoch than its step', () => {
  const resigned = (each: DealtBox, epoch: number): DealtBox => {
    const { signer, body } = each.deal
    const changed = { ...(decodeCanonical(body) as object), epoch }
    return { ...each, deal: signBody('deal', signer, changed as never, federation.identityOf(siteId(signer))) }
  }

  it.each([1, 7])(
    '%d: its box counts as none, and the sites that signed another are not blamed for it',
    async (epoch) => {
      await open(stepsPerEpoch + 8)
      await federation.reach('checking')
      const said: unknown[] = []
      const { coordinator } = federation
      const { handlers } = coordinator
      coordinator.handlers = {
        ...handlers,
        check: (peer, message) => {
          const { checks } = openBody('check', message, memberOf(federation.roster, siteId('ash')))
          said.push(checks.map(({ site, value }) => [site, value === null]))
          return handlers.check(peer, message)
        },
      }
      federation.onBoxes = (to, boxes) =>
        to === 'ash' ? boxes.map((each) => (each.deal.signer === 'birch' ? resigned(each, epoch) : each)) : boxes
      // The desk knows birch's deal under its true hash.
      expect(await ash().turn()).toMatchObject({ task: 'check', error: { code: 'ROUND_REFUSED' } })
      expect(said).toEqual([
        [
          ['ash', false],
          ['birch', true],
          ['cedar', false],
        ],
      ])
    },
  )
})
