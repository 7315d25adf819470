import { expect, it } from 'vitest'
import { HandClock } from '../../test/harness/hand-clock.ts'
import { ProgressLine } from './progress-line.ts'

const stream = (isTTY: boolean) => {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => written.push(text) }
}

it('what is over in two seconds needs no line', () => {
  const clock = new HandClock()
  const to = stream(true)
  const line = new ProgressLine(clock, to)
  line.show(() => 'one')
  clock.advance(1999)
  line.show(() => 'two')
  line.end()
  expect(to.written).toEqual([])
})

it('a terminal has one line, written over at most five times a second and wiped at the end', () => {
  const clock = new HandClock()
  const to = stream(true)
  const line = new ProgressLine(clock, to)
  for (const text of ['one', 'two', 'three']) {
    clock.advance(text === 'three' ? 100 : 2000)
    line.show(() => text)
  }
  line.end()
  line.end()
  expect(to.written).toEqual(['\r\u001b[2Kone', '\r\u001b[2Ktwo', '\r\u001b[2K'])
})

it('elsewhere a line every ten seconds', () => {
  const clock = new HandClock()
  const to = stream(false)
  const line = new ProgressLine(clock, to)
  for (let second = 0; second <= 23; second++) {
    line.show(() => `at ${second}`)
    clock.advance(1000)
  }
  line.end()
  expect(to.written).toEqual(['at 2\n', 'at 12\n', 'at 22\n'])
})
