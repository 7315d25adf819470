import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { samplingRate } from '@tributary/shared/units'
import { expect, test } from 'vitest'
import { sampleAllRows, sampleOneRow } from '../../../site-agent/contribution/sample.ts'
import { EncodedRecords } from '../../../site-agent/records/encoded-records.ts'

const units = 400
const rate = 0.25
const attempts = 2000
const records = new EncodedRecords(
  1,
  Uint16Array.from({ length: units }, (_, unit) => unit),
  Uint32Array.from({ length: units + 1 }, (_, unit) => unit),
)
const room = { units, rows: units }

/** Seven deviations: a false alarm in 10^11 runs. */
const seven = (value: number, mean: number, deviation: number) =>
  expect(Math.abs(value - mean), `${value} against ${mean} +- ${deviation}`).toBeLessThan(7 * deviation)

/*
 * What the accountant takes for granted of every attempt. A batch of fixed size has no variance; an epoch dealt out in batches has no
 * patient in two neighbouring ones; a retry on the same coins has all of them.
 */
test.each([
  ['one row', () => sampleOneRow(records, samplingRate(rate), coins(), coins(), room)],
  ['all rows', () => sampleAllRows(records, samplingRate(rate), coins(), room)],
])('R5 sampling: batches of %s scatter as independent coins do, and every attempt throws them anew', (_, sample) => {
  let before: Set<number> = new Set()
  let [total, squares, again] = [0, 0, 0]
  for (let attempt = 0; attempt < attempts; attempt++) {
    const { cells, drawn, counts } = sample()
    const batch = new Set(counts === null ? cells.subarray(0, drawn) : cells.filter((_, place) => counts[place] === 1))
    expect(batch.size).toBe(drawn)
    total += drawn
    squares += (drawn - units * rate) ** 2
    for (const unit of batch) again += Number(before.has(unit))
    before = batch
  }
  const variance = units * rate * (1 - rate)
  seven(total / attempts, units * rate, Math.sqrt(variance / attempts))
  seven(squares / attempts, variance, variance * Math.sqrt(2 / attempts))
  // Neighbouring overlaps share a batch: their variance is at most 1 + 2 rate times that of as many pairs of their own.
  const pairs = (attempts - 1) * units
  seven(again, pairs * rate ** 2, Math.sqrt(pairs * rate ** 2 * (1 + 2 * rate)))
})

function coins() {
  return osRandomStreams()('sampling')
}
