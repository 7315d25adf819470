import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import type { SiteId } from '@tributary/shared/ids'
import { systemClock } from '@tributary/shared/system/clock'
import { messageBytes } from '@tributary/shared/wire/body'
import { decodeCanonical, hashBytes } from '@tributary/shared/wire/canonical'
import type { Task } from '@tributary/shared/wire/federation-api'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import pino from 'pino'
import { Agent, productionPorts } from '../../site-agent/agent.ts'
import type { EgressJournal } from '../../site-agent/link/egress-journal.ts'
import type { SiteClient } from '../../site-agent/link/client.ts'
import { Site } from '../../site-agent/site.ts'
import { oneHotQuery } from './one-hot-query.ts'
import { appendLine, endOfRun, ProcessGate } from './process-gate.ts'

/*
 * A site agent for fault tests, as a process of its own: the product's modules under another composition root.
 *
 *   node --conditions=source test/harness/fault-site.ts DATA_DIR CONTROL_DIR
 *
 * One-hot contributions without noise. It dies by SIGKILL at the places that CONTROL_DIR/plan.jsonl names for it (failpoints.ts),
 * and notes every message that it is about to send in CONTROL_DIR/SITE.sent.jsonl.
 */
const [dataDir = '', control = ''] = process.argv.slice(2)

/** A message on its way out, as the site or the coordinator saw it. */
export interface Passage {
  readonly site: SiteId
  readonly kind: string
  readonly round: string
  readonly message: string
  readonly payload: string | null
}

const calls: Readonly<Record<string, string>> = {
  deal: 'client.putDeal',
  contribution: 'client.contribute',
  answer: 'client.answer',
  withdrawal: 'client.withdraw',
  check: 'client.check',
  'deal-opening': 'client.openDeal',
  'box-opening': 'client.openBox',
}

class FaultSite extends Site {
  readonly #gate = new ProcessGate(this.name, join(control, 'plan.jsonl'), join(control, `${this.name}.trace.jsonl`))

  /** Between the file of an outbox entry and its row. */
  watchFiles(): void {
    const { renameSync } = fs
    fs.renameSync = (from, to) => {
      renameSync(from, to)
      const call = /^before (outbox\.\w+)$/.exec(this.#gate.latest)?.[1]
      if (call !== undefined) this.#gate.cross(`inside ${call}`)
    }
    syncBuiltinESMExports()
  }

  override openOutbox() {
    return this.#gate.around('outbox', super.openOutbox(), ['storeDeal', 'begin', 'store', 'acknowledge', 'prune'])
  }

  override openLedger() {
    return this.#gate.around('ledger', super.openLedger(), ['charge'])
  }

  override openAnswers() {
    return this.#gate.around('answers', super.openAnswers(), ['answer'])
  }

  override openCounters() {
    return this.#gate.around('counters', super.openCounters(), ['nextOwn', 'observe'])
  }

  override openBook() {
    return this.#gate.around('book', super.openBook(), ['setState'])
  }

  override openEgress(): EgressJournal {
    const note =
      (journal: EgressJournal) =>
      (...said: Parameters<EgressJournal['note']>) => {
        const [message] = said
        this.#gate.cross(`before egress.note ${message.kind}`)
        journal.note(...said)
        this.#gate.cross(`before ${calls[message.kind]}`)
      }
    return new Proxy(super.openEgress(), {
      get: (journal, property) => {
        if (property === 'note') return note(journal)
        const value: unknown = Reflect.get(journal, property, journal)
        return typeof value === 'function' ? value.bind(journal) : value
      },
    })
  }

  override connect(patienceMs?: number): SiteClient {
    const client = super.connect(patienceMs)
    const sending = async (message: SignedMessage, payload: readonly Uint8Array[], send: () => Promise<void>) => {
      const { round } = decodeCanonical(message.body) as { round: string }
      const beside = payload.length === 0 ? null : hashBytes(Buffer.concat(payload))
      const passage: Passage = {
        site: this.name,
        kind: message.kind,
        round,
        message: hashBytes(messageBytes(message)),
        payload: beside,
      }
      appendLine(join(control, `${this.name}.sent.jsonl`), passage)
      await send()
      this.#gate.cross(`after ${calls[message.kind]}`)
    }
    return {
      ...client,
      next: async (request, signal) => {
        const task = await client.next(request, signal)
        this.#note(task)
        return task
      },
      putDeal: (message, boxes, guard) => sending(message, boxes, () => client.putDeal(message, boxes, guard)),
      check: (message, guard) => sending(message, [], () => client.check(message, guard)),
      contribute: (message, parts, guard) => sending(message, parts, () => client.contribute(message, parts, guard)),
      answer: (message, guard) => sending(message, [], () => client.answer(message, guard)),
      openDeal: (message, guard) => sending(message, [], () => client.openDeal(message, guard)),
      openBox: (message, guard) => sending(message, [], () => client.openBox(message, guard)),
      withdraw: (message) => sending(message, [], () => client.withdraw(message)),
    }
  }

  #note(task: Task): void {
    const gate = this.#gate
    if (task.kind === 'wait') return
    if (task.kind === 'finished') {
      gate.step = endOfRun
      gate.round = null
    } else if (task.kind === 'deal' || task.kind === 'check' || task.kind === 'open-deal') {
      gate.step = task.step
      gate.round = roundIdOf(task.study, task.step, task.attempt)
    } else {
      const orders = { contribute: 'broadcast', answer: 'announcement', 'open-box': 'opening' } as const
      const order = (task as unknown as Record<string, SignedMessage>)[orders[task.kind]] as SignedMessage
      const { step, round } = decodeCanonical(order.body) as { step: number; round: string }
      gate.step = step
      gate.round = round
    }
  }
}

const log = pino({ level: 'debug' }, pino.destination(2))
const site = new FaultSite(dataDir, systemClock)
site.watchFiles()
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const queries = async () => ({ execute: oneHotQuery(site.name), close: async () => {} })
const ports = { ...productionPorts(systemClock, log), queries }
const agent = await Agent.open(site, ports)
await agent.run({ untilFinished: true }, stop.signal)
process.stdout.write(`${JSON.stringify({ event: 'stopped' })}\n`)
