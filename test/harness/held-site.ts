import { appendFileSync, existsSync } from 'node:fs'
import { systemClock } from '@tributary/shared/system/clock'
import pino from 'pino'
import { Agent, productionPorts } from '../../site-agent/agent.ts'
import type { SiteClient } from '../../site-agent/link/client.ts'
import { Site } from '../../site-agent/site.ts'

/*
 * A site agent that can be held in the middle of a round, as a process of its own: the product's, but for two places.
 *
 *   node test/harness/held-site.ts DATA_DIR CONTROL_DIR
 *
 * At each place it appends the place's name to CONTROL_DIR/SITE.trace, then waits while CONTROL_DIR/SITE.PLACE.hold exists.
 */
const [dataDir = '', control = ''] = process.argv.slice(2)

const pause = async (site: string, place: string): Promise<void> => {
  appendFileSync(`${control}/${site}.trace`, `${place}\n`)
  while (existsSync(`${control}/${site}.${place}.hold`)) await systemClock.sleep(20)
}

class HeldSite extends Site {
  override connect(patienceMs?: number): SiteClient {
    const client = super.connect(patienceMs)
    const { name } = this
    return {
      ...client,
      async putDeal(message, boxes, guard) {
        await client.putDeal(message, boxes, guard)
        await pause(name, 'after-deal')
      },
      async contribute(message, ciphertext, guard) {
        await pause(name, 'before-contribute')
        await client.contribute(message, ciphertext, guard)
      },
    }
  }
}

const log = pino({ level: 'debug' }, pino.destination(2))
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const agent = await Agent.open(new HeldSite(dataDir, systemClock), productionPorts(systemClock, log))
await agent.run({ untilFinished: true }, stop.signal)
