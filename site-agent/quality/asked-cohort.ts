import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { releaseFormat } from '@tributary/shared/synthetic-mark'
import * as z from 'zod'

/** What a release.json says of whom its cohort was asked for; everything else in it is passed over. */
const releaseSchema = z.object({
  tributary: z.literal(releaseFormat),
  request: z.object({
    where: z.string().nullable(),
    reweight: z.array(z.object({ condition: z.string(), share: z.number() })).default([]),
    balance: z.array(z.string()).default([]),
    augment: z.object({ condition: z.string(), times: z.number() }).optional(),
    set: z.array(z.string()).default([]),
  }),
})

/**
 * How the cohort at `path` (a CSV) was chosen, by the release.json of its folder or of the one above; null where everybody was asked
 * for, or nothing says. Such a cohort differs from a hospital by what was asked, whomever the pool serves.
 */
export const askedCohort = (path: string): string | null => {
  const folder = dirname(path)
  const release = releaseAt(folder) ?? releaseAt(dirname(folder))
  if (release === undefined) return null
  const { where, reweight, balance, augment, set } = release.request
  const parts = [
    ...(where === null ? [] : [`where ${where}`]),
    ...reweight.map(({ condition, share }) => `reweight ${condition}:${share}`),
    ...(balance.length === 0 ? [] : [`balance ${balance.join(',')}`]),
    ...(augment === undefined ? [] : [`augment ${augment.condition} x${augment.times}`]),
    ...set.map((setting) => `set ${setting}`),
  ]
  return parts.length === 0 ? null : parts.join('; ')
}

const releaseAt = (folder: string): z.output<typeof releaseSchema> | undefined => {
  try {
    return releaseSchema.safeParse(JSON.parse(readFileSync(join(folder, 'release.json'), 'utf8'))).data
  } catch {
    return undefined
  }
}
