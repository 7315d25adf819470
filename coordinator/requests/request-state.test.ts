import { fc, it } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { afterEvent, type RequestEvent, type RequestState } from './request-state.ts'

const error = { error_code: 'SUPPORT_TOO_SMALL', message: 'hardly any', hint: 'Widen it.' }
const events: RequestEvent[] = [{ kind: 'start' }, { kind: 'done', time: 7 }, { kind: 'failed', time: 8, error }]

describe('a request', () => {
  it('goes from queued over running to done or failed', () => {
    const running = afterEvent({ state: 'queued' }, { kind: 'start' })
    expect(running).toEqual({ state: 'running', starts: 1 })
    expect(afterEvent(running, { kind: 'start' })).toEqual({ state: 'running', starts: 2 })
    expect(afterEvent(running, { kind: 'done', time: 7 })).toEqual({ state: 'done', finished: 7 })
    expect(afterEvent(running, { kind: 'failed', time: 8, error })).toEqual({ state: 'failed', finished: 8, error })
  })

  it.prop([fc.array(fc.constantFrom(...events), { maxLength: 12 })])('ends once, and never before it began', (list) => {
    let state: RequestState = { state: 'queued' }
    for (const event of list) {
      const before: RequestState = state
      const isAllowed = before.state === 'running' || (before.state === 'queued' && event.kind === 'start')
      if (isAllowed) state = afterEvent(before, event)
      else expect(() => afterEvent(before, event)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    }
  })
})
