import { crc32, deflateRawSync } from 'node:zlib'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { readWheel } from './wheel.ts'
import { zipEntries } from './zip-entries.ts'

interface File {
  readonly path: string
  readonly bytes: Uint8Array
  readonly packed: boolean
}

/** An archive as the format says (APPNOTE 4.3): files one after the other, then the directory, then its end. */
const zipOf = (files: readonly File[]): Buffer => {
  const pieces: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { path, bytes, packed } of files) {
    const name = Buffer.from(path)
    const content = packed ? deflateRawSync(bytes) : Buffer.from(bytes)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(packed ? 8 : 0, 4)
    common.writeUInt32LE(crc32(bytes), 10)
    common.writeUInt32LE(content.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = [Buffer.from('PK\x03\x04'), common, name, content]
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(at, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, rest, name)
    pieces.push(...local)
    at += local.reduce((sum, piece) => sum + piece.length, 0)
  }
  const list = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(list.length, 8)
  end.writeUInt32LE(at, 12)
  return Buffer.concat([...pieces, list, Buffer.from('PK\x05\x06'), end])
}

const file = fc.record({
  path: fc.stringMatching(/^[a-zé]{1,9}$/),
  bytes: fc.uint8Array({ maxLength: 300 }),
  packed: fc.boolean(),
})

describe('zipEntries', () => {
  test.prop([fc.array(file, { maxLength: 6 })])('gives the wanted files as they went in, in order', (files) => {
    const wanted = (path: string) => path < 'm'
    const found = [...zipEntries(zipOf(files), wanted)].map(({ path, bytes }) => ({ path, bytes: [...bytes] }))
    const expected = files.filter(({ path }) => wanted(path)).map(({ path, bytes }) => ({ path, bytes: [...bytes] }))
    expect(found).toEqual(expected)
  })

  it('finds a byte that changed on the way, and an archive that was cut', () => {
    const whole = zipOf([{ path: 'a', bytes: Buffer.from('a library'), packed: false }])
    const changed = Buffer.from(whole)
    changed[whole.indexOf('library')]! ^= 1
    expect(() => [...zipEntries(changed, () => true)]).toThrow('a is damaged')
    expect(() => [...zipEntries(whole.subarray(0, -20), () => true)]).toThrow('not a zip archive')
  })
})

describe('readWheel', () => {
  it('takes no other file than the one that is pinned', () => {
    expect(() => readWheel(import.meta.filename)).toThrow(/has sha256 [0-9a-f]{64}; expected: tensorflow_cpu-/)
  })
})
