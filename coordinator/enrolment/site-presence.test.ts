import { CodedError } from '@tributary/shared/errors'
import { type SiteId, siteId } from '@tributary/shared/ids'
import pino from 'pino'
import { beforeEach, expect, it } from 'vitest'
import { HandClock } from '../../test/harness/hand-clock.ts'
import { SitePresence } from './site-presence.ts'

const [north, south] = ['north', 'south'].map(siteId) as [SiteId, SiteId]
const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string]
const every = 15_000

let clock: HandClock
let lines: { readonly msg: string; readonly site?: string }[]
let noted: [SiteId, number][]
let presence: SitePresence
beforeEach(() => {
  clock = new HandClock()
  lines = []
  noted = []
  const log = pino({}, { write: (line) => lines.push(JSON.parse(line)) })
  presence = new SitePresence({ registry: { greeted: (site, now) => noted.push([site, now]) }, clock, log })
})

const greet = (site: SiteId, session: string) => {
  clock.advance(every)
  presence.greeted(site, session)
}
const told = () => lines.filter(({ msg }) => msg.startsWith('two agents')).map(({ site }) => site)

it('two agents of one site at once are told, once in ten minutes; the site that was cloned is named', () => {
  for (const [site, session] of [
    [north, one],
    [south, three],
    [north, two],
  ] as const)
    greet(site, session)
  expect(told()).toEqual([])
  for (let i = 0; i < 5; i++) for (const session of [one, two]) greet(north, session)
  expect(told()).toEqual(['north'])
  clock.advance(10 * 60_000 - 3 * every)
  for (const session of [one, two]) greet(north, session)
  for (const session of [one, two]) greet(north, session)
  expect(told()).toEqual(['north', 'north'])
})

it('an agent that was started again, twice, and commands beside it are one site', () => {
  for (const session of [one, one, '', two, two, '', three, three]) greet(north, session)
  expect(told()).toEqual([])
  expect(noted.map(([site]) => site)).toEqual(Array(6).fill(north))
  expect(noted.at(-1)?.[1]).toBe(clock.now())
})

it('a greeting that cannot be noted is no reason to turn a site away', () => {
  const log = pino({}, { write: (line) => lines.push(JSON.parse(line)) })
  const full = () => {
    throw new CodedError('DISK_FULL', 'no space left')
  }
  presence = new SitePresence({ registry: { greeted: full }, clock, log })
  expect(() => presence.greeted(north, one)).not.toThrow()
  expect(lines.at(-1)).toMatchObject({ code: 'DISK_FULL' })
})
