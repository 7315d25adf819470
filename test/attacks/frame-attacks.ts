import type { UploadPart } from '@tributary/shared/wire/federation-api'
import { type Attack, said } from './attack.ts'
import { attackSite } from './attack-study.ts'
import { read, roundNamed, unreduced, withInsider } from './inside-attacks.ts'

const changed = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes[at] as number) ^ 1)
const victim = attackSite(0)

/** Bytes that are not what they should be, on their way to the coordinator. */
export const frameAttacks: readonly Attack[] = [
  {
    name: 'tamper a residue on the way',
    rules: 'R3',
    expects: {
      happened: 'h01: FRAME_INVALID at data; sent again as it was: 6 contribute, the sum is exact',
      learns: 'chance',
      named: [],
    },
    run: () =>
      withInsider({}, async (job) => {
        let isFirst = true
        job.onPart = (site, part) => {
          if (site !== victim || !isFirst) return part
          isFirst = false
          return { ...part, data: changed(part.data, 1000) }
        }
        const opened = await job.opened()
        const met = job.errors.map(({ site, error }) => `${site}: ${said(error)}`).join(', ')
        return {
          happened: `${met}; sent again as it was: ${opened.contributors.length} contribute, the sum is ${job.isExact(opened) ? 'exact' : 'WRONG'}`,
          ...read(job, roundNamed(job, 0, 0)),
          named: job.named,
        }
      }),
  },
  {
    name: 'contribute residues above the modulus',
    rules: 'R3',
    expects: {
      happened: 'h06: FRAME_INVALID at residues; 5 contribute, the sum is exact',
      learns: 'chance',
      named: ['h06'],
    },
    run: () =>
      withInsider({ parts: ([first, ...rest]) => [unreduced(first as Uint8Array), ...rest] }, async (job) => {
        const opened = await job.opened()
        return {
          happened: `h06: ${said(job.turns.refused[0] ?? null)}; ${opened.contributors.length} contribute, the sum is ${job.isExact(opened) ? 'exact' : 'WRONG'}`,
          ...read(job, roundNamed(job, 0, 0)),
          named: job.named,
        }
      }),
  },
  {
    name: 'overlong, truncated, misplaced and duplicated parts',
    rules: 'R3',
    expects: {
      happened:
        'a byte too long: FRAME_INVALID; a byte too short: FRAME_INVALID; empty: FRAME_INVALID; a part that there is not: FRAME_INVALID; the part: done; the part twice more: done; another in its place, which is held: done; 6 contribute, the sum is exact',
      learns: 'chance',
      named: ['h06'],
    },
    run: () =>
      withInsider({ uploads: (parts) => streams(parts[0] as Uint8Array).map(([, stream]) => stream) }, tornUpload),
  },
]

const streams = (part: Uint8Array): readonly (readonly [string, readonly UploadPart[]])[] => {
  const at = (place: number, data: Uint8Array) => [{ part: place, data }]
  return [
    ['a byte too long', at(0, new Uint8Array([...part, 0]))],
    ['a byte too short', at(0, part.subarray(0, -1))],
    ['empty', at(0, new Uint8Array())],
    ['a part that there is not', at(1, part)],
    ['the part', at(0, part)],
    ['the part twice more', [...at(0, part), ...at(0, part)]],
    ['another in its place, which is held', at(0, changed(part, 500))],
  ]
}

const tornUpload: Parameters<typeof withInsider<Awaited<ReturnType<Attack['run']>>>>[1] = async (job) => {
  const opened = await job.opened()
  const names = streams(new Uint8Array(600)).map(([name]) => name)
  const happened = names.map((name, i) => `${name}: ${job.turns.uploaded[i]?.code ?? 'done'}`)
  return {
    happened: `${happened.join('; ')}; ${opened.contributors.length} contribute, the sum is ${job.isExact(opened) ? 'exact' : 'WRONG'}`,
    ...read(job, roundNamed(job, 0, 0)),
    named: job.named,
  }
}
