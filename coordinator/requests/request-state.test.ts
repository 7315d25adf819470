import { fc, it } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { afterEvent, type RequestEvent, type RequestState } from './request-state.ts'

const error = { error_code: 'SUPPORT_TOO_SMALL', message: 'hardly any', hint: 'Widen it.' }
const events: RequestEvent[] = [
  { kind: 'start' },
  { kind: 'wait', reason: 'disk_space' },
  { kind: 'done', time: 7 },
  { kind: 'failed', time: 8, error },
  { kind: 'withdraw', time: 9 },
]

describe('a request', () => {
  it('goes from queued over running to done or failed', () => {
    const running = afterEvent({ state: 'queued' }, { kind: 'start' })
    expect(running).toEqual({ state: 'running', starts: 1 })
    expect(afterEvent(running, { kind: 'start' })).toEqual({ state: 'running', starts: 2 })
    expect(afterEvent(running, { kind: 'done', time: 7 })).toEqual({ state: 'done', finished: 7 })
    expect(afterEvent(running, { kind: 'failed', time: 8, error })).toEqual({ state: 'failed', finished: 8, error })
  })

  it('waits in the queue with its reason, and forgets it when it starts', () => {
    const waiting = afterEvent({ state: 'running', starts: 3 }, { kind: 'wait', reason: 'disk_space' })
    expect(waiting).toEqual({ state: 'queued', waitingFor: 'disk_space' })
    expect(afterEvent(waiting, { kind: 'start' })).toEqual({ state: 'running', starts: 1 })
  })

  it('is cancelled before it is done and deleted after, and a failed one stays', () => {
    const withdraw: RequestEvent = { kind: 'withdraw', time: 9 }
    for (const before of [{ state: 'queued' }, { state: 'running', starts: 1 }] as const)
      expect(afterEvent(before, withdraw)).toEqual({ state: 'cancelled', finished: 9 })
    const deleted = afterEvent({ state: 'done', finished: 7 }, withdraw)
    expect(deleted).toEqual({ state: 'deleted', finished: 7, deleted: 9 })
    expect(afterEvent({ state: 'failed', finished: 8, error }, withdraw)).toMatchObject({ state: 'failed' })
  })

  it.prop([fc.array(fc.constantFrom(...events), { maxLength: 12 })])('ends once, and never before it began', (list) => {
    let state: RequestState = { state: 'queued' }
    for (const event of list) {
      const before: RequestState = state
      const isOpen = before.state === 'queued' || before.state === 'running'
      const isEnd = event.kind === 'done' || event.kind === 'failed'
      const isAllowed = event.kind === 'withdraw' || (isOpen && !(isEnd && before.state === 'queued'))
      if (!isAllowed) {
        expect(() => afterEvent(before, event)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
        continue
      }
      state = afterEvent(before, event)
      // What is over stays over; withdrawn twice is withdrawn once.
      if (!isOpen && before.state !== 'done') expect(state).toBe(before)
    }
  })
})
