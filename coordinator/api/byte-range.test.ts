import { fc, it } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { byteRange } from './byte-range.ts'

describe('a range of bytes', () => {
  it('is from a byte on, between two, or the last few', () => {
    expect(byteRange('bytes=3-', 10)).toEqual({ first: 3, last: 9 })
    expect(byteRange('bytes=0-0', 10)).toEqual({ first: 0, last: 0 })
    expect(byteRange('Bytes=3-99', 10)).toEqual({ first: 3, last: 9 })
    expect(byteRange('bytes=-4', 10)).toEqual({ first: 6, last: 9 })
    expect(byteRange('bytes=-99', 10)).toEqual({ first: 0, last: 9 })
  })

  it('that the file does not have is refused, one in another form ignored', () => {
    for (const header of ['bytes=10-', 'bytes=10-12', 'bytes=-0']) expect(byteRange(header, 10), header).toBeNull()
    for (const header of ['bytes=0-', 'bytes=-1']) expect(byteRange(header, 0), header).toBeNull()
    for (const header of [
      undefined,
      '',
      'bytes=-',
      'bytes=3-1',
      'rows=0-1',
      'bytes=0-1,3-4',
      'bytes=a-b',
      'bytes=1e1-',
    ])
      expect(byteRange(header, 10), header).toBeUndefined()
  })

  it.prop([fc.nat(20), fc.option(fc.nat(30)), fc.option(fc.nat(30))])(
    'lies inside the file, whatever is asked',
    (bytes, from, to) => {
      const range = byteRange(`bytes=${from ?? ''}-${to ?? ''}`, bytes)
      if (range === null || range === undefined) return
      expect(range.first).toBeGreaterThanOrEqual(0)
      expect(range.last).toBeGreaterThanOrEqual(range.first)
      expect(range.last).toBeLessThan(bytes)
    },
  )
})
