import { CodedError, type ErrorCode } from '@tributary/shared/errors'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { HandClock } from '../../test/harness/hand-clock.ts'
import { clockOffset } from './clock-offset.ts'
import { Greeting } from './greeting.ts'

const minute = 60_000

describe('the offset', () => {
  it('leaves out whatever the way may account for', () => {
    expect(clockOffset(1_000, 1_400, 1_000)).toBe(0)
    expect(clockOffset(1_000, 1_400, 1_400)).toBe(0)
    expect(clockOffset(1_000, 1_400, 1_401)).toBe(1)
    expect(clockOffset(1_000, 1_400, 900)).toBe(-100)
    expect(clockOffset(1_000, 31_000, 16_000)).toBe(0)
  })

  it('is 0 where an older coordinator does not say', () => {
    expect(clockOffset(1_800_000_000_000, 1_800_000_000_400, 0)).toBe(0)
  })
})

const greeting = (offset: () => number) => {
  const clock = new HandClock()
  const lines: { readonly msg: string; readonly code?: string }[] = []
  const sessions: string[] = []
  const client = {
    hello: async ({ session }: { readonly session: string }) => {
      sessions.push(session)
      return { protocol: 1, clockOffset: offset() }
    },
  }
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) })
  return { greeting: new Greeting({ client, clock, log }), clock, lines, sessions }
}

describe('an agent greets', () => {
  it.each([
    [0, []],
    [2 * minute, []],
    [2 * minute + 1, ["this machine's clock is 2 minutes behind the coordinator's"]],
    [-7.5 * minute, ["this machine's clock is 7.5 minutes ahead of the coordinator's"]],
    [10 * minute, ["this machine's clock is 10 minutes behind the coordinator's"]],
  ])('with its clock %i ms off: works, and tells from 2 minutes on', async (offset, told) => {
    const { greeting: one, lines } = greeting(() => offset)
    await one.first()
    expect(lines.map(({ msg }) => msg)).toEqual(told)
  })

  it.each([10 * minute + 1, -10 * minute - 1, 30 * 24 * 60 * minute])('with %i ms: CLOCK_SKEWED', async (offset) => {
    const { greeting: one } = greeting(() => offset)
    await expect(one.first()).rejects.toMatchObject({
      code: 'CLOCK_SKEWED',
      message: expect.stringMatching(/clock is \d+(\.\d)? minutes/),
      help: expect.stringContaining('NTP'),
    })
  })

  it('every 15 seconds under one session, goes on whatever its clock says, and tells once an hour', async () => {
    let offset = 0
    const { greeting: one, clock, lines, sessions } = greeting(() => offset)
    await one.first()
    const stop = new AbortController()
    const kept = one.keep(stop.signal, new Set())
    offset = 45 * minute
    for (let i = 0; i < 2 * 240; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(15_000)
    }
    await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    await kept
    expect(sessions).toHaveLength(481)
    expect(new Set(sessions).size).toBe(1)
    expect(sessions[0]).toMatch(/^[0-9a-f]{32}$/)
    expect(lines.filter(({ code }) => code === 'CLOCK_SKEWED')).toHaveLength(2)
    expect(greeting(() => 0).sessions).toEqual([])
  })

  const failing = () => {
    let failure: ErrorCode | undefined
    const made = greeting(() => {
      if (failure !== undefined) throw new CodedError(failure, 'why')
      return 0
    })
    const pass = async (times: number) => {
      for (let i = 0; i < times; i++) {
        await new Promise((resolve) => setImmediate(resolve))
        made.clock.advance(15_000)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { ...made, pass, fail: (code: ErrorCode | undefined) => void (failure = code) }
  }

  it('and ends with an error that is final, also where no study asks for work', async () => {
    const { greeting: one, pass, fail } = failing()
    const kept = one.keep(new AbortController().signal, new Set<ErrorCode>(['CERTIFICATE_REVOKED']))
    await pass(3)
    fail('CERTIFICATE_REVOKED')
    await pass(1)
    expect(await kept).toMatchObject({ code: 'CERTIFICATE_REVOKED' })
  })

  it('and warns of a coordinator that is away once, again every hour, and says when it is back', async () => {
    const { greeting: one, lines, pass, fail } = failing()
    const stop = new AbortController()
    const kept = one.keep(stop.signal, new Set<ErrorCode>(['CERTIFICATE_REVOKED']))
    await pass(2)
    expect(lines).toEqual([])
    fail('UNAVAILABLE')
    await pass(239)
    expect(lines).toMatchObject([{ level: 40, code: 'UNAVAILABLE', why: 'why' }])
    await pass(3)
    expect(lines).toHaveLength(2)
    fail(undefined)
    await pass(2)
    fail('UNAVAILABLE')
    await pass(2)
    expect(lines.map(({ msg }) => msg)).toMatchObject([
      expect.stringContaining('does not answer'),
      expect.stringContaining('does not answer'),
      'the coordinator answers again',
      expect.stringContaining('does not answer'),
    ])
    stop.abort()
    expect(await kept).toBeUndefined()
  })
})
