import type { Clock } from '@tributary/shared/ports'
import { CodedError } from '@tributary/shared/errors'
import { generateIdentity, signMessage } from '@tributary/shared/wire/signed'
import { expect, it } from 'vitest'
import { connect } from './client.ts'

/** A client of an address where nobody listens, whose clock moves when somebody sleeps. */
const alone = () => {
  let slept = 0
  const clock: Clock = {
    now: () => Date.now() + slept,
    sleep: async (ms) => {
      slept += ms
    },
  }
  return connect({ address: '127.0.0.1:9', ca: '', clock })
}
const message = signMessage('contribution', 'north', { round: 'ab'.repeat(32) }, generateIdentity())
const bytes = new Uint8Array(10)

it.each(['contribute', 'putDeal', 'check', 'answer', 'openDeal', 'openBox'] as const)(
  '%s to a coordinator that is down asks the officer before every try, and stops at the first no',
  async (method) => {
    const client = alone()
    let asked = 0
    const guard = () => {
      if (++asked === 3) throw new CodedError('ROUND_REFUSED', 'revoked')
    }
    const sending = {
      contribute: () => client.contribute(message, [bytes], guard),
      putDeal: () => client.putDeal(message, [bytes], guard),
      check: () => client.check(message, guard),
      answer: () => client.answer(message, guard),
      openDeal: () => client.openDeal(message, guard),
      openBox: () => client.openBox(message, guard),
    }
    await expect(sending[method]()).rejects.toMatchObject({ code: 'ROUND_REFUSED' })
    expect(asked).toBe(3)
    client.close()
  },
)
