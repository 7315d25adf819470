import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { studyId } from '@tributary/shared/ids'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refuseUnconfirmed } from '../../../site-agent/policy/confirmation.ts'
import { giveUpVolatile, requireVolatile } from '../../../site-agent/policy/volatile-mark.ts'

const ours = studyId(`3f9a12bc${'0'.repeat(56)}`)
/** What a coordinator that may choose the manifest finds in 2^32 tries. */
const ground = studyId(`3f9a12bc${'f'.repeat(56)}`)
const refused = expect.objectContaining({ code: 'APPROVAL_REFUSED' })

describe('an approval (R1, R2)', () => {
  it('is of the study that was shown, or of all 64 digits', () => {
    expect(() => refuseUnconfirmed(ours, '3f9a12bc', [ours])).not.toThrow()
    expect(() => refuseUnconfirmed(ours, ours, [])).not.toThrow()
  })

  it.each([
    ['another study with the same 8 digits', ground, '3f9a12bc', [ours]],
    ['a study that was never shown', ours, '3f9a12bc', []],
    ['8 digits of two studies that were shown', ours, '3f9a12bc', [ours, ground]],
    ['fewer digits', ours, '3f9a12b', [ours]],
    ['more digits, not all', ours, ours.slice(0, 12), [ours]],
    ['all digits of another study', ours, ground, [ours, ground]],
    ['no digits', ours, '', [ours]],
  ] as const)('is refused for %s', (_, study, confirm, shown) => {
    expect(() => refuseUnconfirmed(study, confirm, shown)).toThrow(refused)
  })
})

describe('a data directory without its volatile/ (R4)', () => {
  let folder: string
  const lost = expect.objectContaining({ code: 'VOLATILE_LOST' })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'volatile-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is marked on first use, and then goes on for ever', () => {
    for (let i = 0; i < 3; i++) expect(() => requireVolatile(folder)).not.toThrow()
  })

  it('is refused, whether volatile/ is gone, made anew, or that of another directory', () => {
    requireVolatile(folder)
    rmSync(join(folder, 'volatile'), { recursive: true })
    expect(() => requireVolatile(folder)).toThrow(lost)
    mkdirSync(join(folder, 'volatile'))
    expect(() => requireVolatile(folder)).toThrow(lost)
    writeFileSync(join(folder, 'volatile', 'id'), 'another\n')
    expect(() => requireVolatile(folder)).toThrow(lost)
  })

  it('is refused once it is given up, for good', () => {
    requireVolatile(folder)
    giveUpVolatile(folder)
    for (let i = 0; i < 2; i++) expect(() => requireVolatile(folder)).toThrow(lost)
  })

  it('a crash between the two marks loses nothing', () => {
    requireVolatile(folder)
    rmSync(join(folder, 'volatile.expected'))
    expect(() => requireVolatile(folder)).not.toThrow()
    rmSync(join(folder, 'volatile', 'id'))
    expect(() => requireVolatile(folder)).toThrow(lost)
  })
})
