import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { siteId } from '@tributary/shared/ids'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
})
afterEach(() => federation.close())

const cedar = () => federation.site('cedar')
const everybody = ['ash', 'birch', 'cedar', 'date']
const checks = () => federation.departed.filter(({ site, kind }) => site === 'cedar' && kind === 'check')
const loseKeys = (dataDir: string) => rmSync(join(dataDir, 'box-keys'), { recursive: true })
const statement = () =>
  cedar()
    .boxKeys()
    .statement(federation.study, 0, siteId('cedar'), federation.identityOf(siteId('cedar')))

describe.each<[string, () => void]>([
  ['are gone', () => undefined],
  ['are others than it brought', () => void statement()],
])('R24 a holder whose own box keys %s', (_, then) => {
  it('refuses to check, disputes nobody, and the attempt goes on without its word', async () => {
    await federation.reach('checking')
    cedar().restart(loseKeys)
    then()
    expect(await cedar().turn()).toMatchObject({ task: 'check', error: { code: 'BOX_INVALID' } })
    expect(checks()).toEqual([])
    await federation.turns(['ash', 'birch', 'date'])
    await federation.advance(1_000 * federation.manifest.deadlines.deal_seconds)
    const { rounds, disputes } = federation.coordinator
    const [round] = rounds.rounds(federation.study)
    expect(round).toMatchObject({ disputed: [], distrusted: [], dealers: everybody, checked: ['ash', 'birch', 'date'] })
    expect(disputes.disputes(federation.study)).toEqual([])
    await federation.complete()
    expect(federation.outcome.outcome).toBe('completed')
    await checkInvariants(federation)
  })
})
