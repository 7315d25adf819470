import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toyCard } from '../../test/harness/toy-cohort-work.ts'
import { estimatedBytes, freeBytes } from './disk-room.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-disk-'))
afterAll(() => rmSync(folder, { recursive: true }))

const column = { position: 0, handling: 'exact', missing: false } as const

describe('the room that a release needs', () => {
  it('is that of its widest rows, in every format', () => {
    const { columns } = toyCard('ab'.repeat(32), 'toy')
    const wide: typeof columns = [
      ...columns,
      { ...column, name: 'n', kind: 'numeric', bins: [-100, 0], maximum: 99, integer: true },
      { ...column, name: 'c', kind: 'categorical', levels: ['Süd', 'x'] },
    ]
    const id = `rel-${'0'.repeat(16)}`
    const line = `1,-100,"Süd",${id}\n`
    const one = estimatedBytes({ columns: wide }, { rows: 1000, formats: ['csv'] })
    expect(one).toBeGreaterThanOrEqual(1000 * Buffer.byteLength(line))
    expect(one).toBeLessThan(2000 * Buffer.byteLength(line))
    expect(estimatedBytes({ columns: wide }, { rows: 1000, formats: ['csv', 'parquet'] })).toBe(2 * one)
  })

  it('is asked of the disk', async () => {
    expect(await freeBytes(folder)).toBeGreaterThan(0)
    await expect(freeBytes(join(folder, 'none'))).rejects.toThrow(/ENOENT/)
  })
})
