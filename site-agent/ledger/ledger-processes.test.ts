import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { delta, epsilon } from '@tributary/shared/units'
import { expect, test, vi } from 'vitest'
import { charged, ledgerFolder, openedLedger, phase, reservation, study } from '../../test/harness/small-ledger.ts'

/* Several processes, some of them killed, over one ledger. */
const inFolder = ledgerFolder()
const path = () => inFolder('ledger.db')
const opened = (at = path(), anchor?: string) => openedLedger(at, anchor)

const program = `
  import { Ledger } from '${import.meta.dirname}/ledger.ts'
  import { roundIdOf } from '${import.meta.dirname}/../../shared/wire/round-id.ts'
  const [path, from, step] = process.argv.slice(1)
  const ledger = Ledger.open(path, { now: Date.now }, { anchor: path + '.anchor' })
  const study = '${study(1)}'
  for (let i = Number(from); i < 100; i += Number(step)) {
    try {
      ledger.charge({ study, round: roundIdOf(study, i, 0), query: 1, step: i, attempt: 0 })
      process.stdout.write(i + '\\n')
    } catch (error) {
      if (error.code !== 'LEDGER_REFUSED') throw error
    }
  }`

/** Reserves studies `from`, `from` + `step`, .. and charges each in turns, until `end`; a line for everything that returned. */
const approving = `
  import { Ledger } from '${import.meta.dirname}/ledger.ts'
  import { roundIdOf } from '${import.meta.dirname}/../../shared/wire/round-id.ts'
  const [path, from, step, reservation] = process.argv.slice(1)
  const ledger = Ledger.open(path, { now: Date.now }, { anchor: path + '.anchor' })
  const said = (...words) => process.stdout.write(words.join(' ') + '\\n')
  const tried = (work) => {
    try {
      work()
      return true
    } catch (error) {
      if (!['BUDGET_EXCEEDED', 'LEDGER_REFUSED'].includes(error.code)) throw error
      return false
    }
  }
  for (let n = Number(from); n < 24; n += Number(step)) {
    const study = n.toString(16).padStart(64, '0')
    if (tried(() => ledger.reserve({ ...JSON.parse(reservation), study }))) said('reserve', n)
    // Another process may be charging the same study: all together no more than is reserved.
    for (let other = 1; other <= n; other += 5) {
      const study = other.toString(16).padStart(64, '0')
      const round = roundIdOf(study, n, Number(from))
      if (tried(() => ledger.charge({ study, round, query: 0, step: n, attempt: Number(from) }))) said('charge', other, n)
    }
  }`

const running = (code: string, ...args: string[]) =>
  spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', code, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

const spending = (...args: string[]) => running(program, ...args)

const acknowledged = async (child: ReturnType<typeof running>, onLine: (count: number) => void = () => {}) => {
  let count = 0
  for await (const line of createInterface({ input: child.stdout! })) if (line !== '') onLine(++count)
  return count
}

test('R6 ledger: two processes charging at once spend no more than is reserved, and every charge they saw is there', async () => {
  const ledger = opened()
  ledger.setCap({ epsilon: epsilon(10), delta: delta(1e-4) })
  ledger.reserve(reservation(1, { epsilon: epsilon(5), phases: [phase(1), phase(30)] }))
  const counts = await Promise.all(
    [spending(path(), '0', '2'), spending(path(), '1', '2')].map((child) => acknowledged(child)),
  )
  expect(counts[0]! + counts[1]!).toBe(30)
  expect(charged(ledger)).toEqual([30])
  expect(ledger.verify().broken).toBeNull()
  ledger.close()
})

test('R6 R18 ledger: processes that reserve and charge at once, one killed, stay within the cap and within what is reserved', async () => {
  const ledger = opened(path(), `${path()}.anchor`)
  ledger.setCap({ epsilon: epsilon(5.6), delta: delta(1e-3) })
  const facts = JSON.stringify(reservation(0))
  const lines: string[] = []
  const children = ['1', '2', '3'].map((from) => running(approving, path(), from, from === '3' ? '1' : '2', facts))
  await Promise.all(
    children.map(async (child, i) => {
      let said = 0
      for await (const line of createInterface({ input: child.stdout! })) {
        if (line !== '') lines.push(line)
        if (i === 0 && ++said === 3) child.kill('SIGKILL')
      }
    }),
  )
  // Nobody was turned away by the others' locks.
  await vi.waitFor(() => expect(children.map(({ exitCode }) => exitCode).slice(1)).toEqual([0, 0]), { timeout: 20_000 })
  const { reserved, studies } = ledger.spent()
  // Five times 1.1 fits into 5.6, whoever came first.
  expect(studies).toHaveLength(5)
  expect(reserved.epsilon).toBeLessThanOrEqual(5.6)
  for (const { attempts } of studies)
    for (const each of attempts) expect(each.charged).toBeLessThanOrEqual(each.reserved)
  const names = new Set(studies.map((each) => each.study))
  const charges = [...ledger.history()].flatMap(({ content }) => (content.kind === 'charge' ? [content] : []))
  for (const line of lines) {
    const [what, n, step] = line.split(' ')
    expect(names).toContain(study(Number(n)))
    if (what === 'charge')
      expect(charges.some((each) => each.study === study(Number(n)) && each.step === Number(step))).toBe(true)
  }
  expect(lines.length).toBeGreaterThan(10)
  expect(ledger.verify().broken).toBeNull()
  // The anchor is no false witness, whoever wrote it last.
  expect(() => ledger.refuseRestored()).not.toThrow()
  ledger.close()
})

test('R6 ledger: kill -9 loses no acknowledged charge and invents at most one', async () => {
  const ledger = opened()
  ledger.setCap({ epsilon: epsilon(50), delta: delta(1e-4) })
  ledger.reserve(reservation(1, { epsilon: epsilon(40), phases: [phase(1), phase(1000)] }))
  ledger.close()
  const child = spending(path(), '0', '1')
  const count = await acknowledged(child, (lines) => {
    if (lines === 20) child.kill('SIGKILL')
  })
  const again = opened()
  expect(again.verify().broken).toBeNull()
  expect(count).toBeGreaterThanOrEqual(20)
  expect(charged(again)[0]).toBeGreaterThanOrEqual(count)
  expect(charged(again)[0]).toBeLessThanOrEqual(count + 1)
  again.close()
})
