import { appendFileSync, existsSync } from 'node:fs'
import { systemClock } from '@tributary/shared/system/clock'
import type { CoordinatorClient } from '@tributary/shared/wire/federation-api'
import pino from 'pino'
import { Agent, productionPorts } from '../../site-agent/agent.ts'
import { Site } from '../../site-agent/site.ts'
import { oneHotQuery } from './one-hot-query.ts'

/*
 * A site agent for fault tests, as a process of its own: the product's modules under another composition root.
 *
 *   node --conditions=source test/harness/fault-site.ts DATA_DIR CONTROL_DIR
 *
 * One-hot contributions without noise. At each named place it appends "place step" to CONTROL_DIR/SITE.trace, then holds while
 * CONTROL_DIR/SITE.PLACE.hold exists, so that a test can kill it, or somebody else, at exactly that place.
 */
const [dataDir = '', control = ''] = process.argv.slice(2)

const pause = async (site: string, place: string): Promise<void> => {
  appendFileSync(`${control}/${site}.trace`, `${place}\n`)
  while (existsSync(`${control}/${site}.${place}.hold`)) await systemClock.sleep(20)
}

class FaultSite extends Site {
  override connect(patienceMs?: number): CoordinatorClient {
    const client = super.connect(patienceMs)
    const { name } = this
    return {
      ...client,
      async putDeal(message, boxes) {
        await pause(name, 'before-deal')
        await client.putDeal(message, boxes)
        await pause(name, 'after-deal')
      },
      async contribute(message, ciphertext) {
        await pause(name, 'before-contribute')
        await client.contribute(message, ciphertext)
        await pause(name, 'after-contribute')
      },
      async answer(message) {
        await pause(name, 'before-answer')
        await client.answer(message)
        await pause(name, 'after-answer')
      },
    }
  }
}

const log = pino({ level: 'debug' }, pino.destination(2))
const site = new FaultSite(dataDir, systemClock)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const ports = { ...productionPorts(systemClock, log), execute: oneHotQuery(site.name) }
const agent = await Agent.open(site, ports)
await agent.run({ untilFinished: true }, stop.signal)
process.stdout.write(`${JSON.stringify({ event: 'stopped' })}\n`)
