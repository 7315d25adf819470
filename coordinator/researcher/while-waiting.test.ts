import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { HandClock } from '../../test/harness/hand-clock.ts'
import { whileWaiting } from './while-waiting.ts'

const waited = async (seconds: number, end: (over: PromiseWithResolvers<string>) => void) => {
  const clock = new HandClock()
  const written: string[] = []
  const over = Promise.withResolvers<string>()
  const result = whileWaiting(clock, 'drawing', over.promise, { write: (text) => written.push(text) })
  for (let half = 0; half < 2 * seconds; half++) {
    await setImmediate()
    clock.advance(500)
  }
  await setImmediate()
  end(over)
  return { written, result }
}

it('says what it waits for, and for how long, once that is longer than two seconds', async () => {
  const { written, result } = await waited(13, ({ resolve }) => resolve('done'))
  expect(await result).toBe('done')
  expect(written).toEqual(['drawing: 2 s\n', 'drawing: 12 s\n'])
})

it('says nothing of what is quick, and throws what was thrown', async () => {
  const { written, result } = await waited(1, ({ reject }) => reject(new Error('refused')))
  await expect(result).rejects.toThrow('refused')
  expect(written).toEqual([])
})
