import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { printData } from '@tributary/shared/cli/output'
import { printable } from '@tributary/shared/cli/printable'
import { CodedError } from '@tributary/shared/errors'

import * as z from 'zod'
import { apiPath } from './api-client.ts'
import { fileError } from './file-error.ts'
import { findRequest } from './find-request.ts'
import { releaseOf } from './release-of.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { openSession } from './session.ts'
import { deltaText, epsilonText, shareText, shellWord, textList, wholeText } from './text-table.ts'

export interface ReportOptions extends RemoteOptions {
  readonly html?: string
}

/** As much of report.json as the summary tells; the rest passes through with --json. */
const promiseSchema = z.looseObject({ epsilon: z.number(), odds: z.string() })
const summarySchema = z.looseObject({
  release: z.string(),
  created: z.string(),
  context_of_use: z.string(),
  not_for: z.array(z.string()),
  generator: z.looseObject({ name: z.string() }),
  verdict: z.looseObject({ grade: z.string(), headline: z.string(), sentences: z.array(z.string()) }),
  asked: z.looseObject({
    rows: z.number(),
    seed: z.number(),
    where: z.string().nullable(),
    effective_sample_size: z.number(),
  }),
  privacy: z.looseObject({ unit: z.string(), delta: z.number(), public: promiseSchema, peer: promiseSchema }),
  participation: z.looseObject({ invited: z.array(z.string()), attempts: z.number(), opened: z.number() }),
  fidelity: z.looseObject({ cells: z.number(), inside: z.number() }),
  support: z.looseObject({
    support: z.number(),
    warnings: z.array(z.looseObject({ code: z.string(), message: z.string() })),
  }),
})

const summary = (report: z.infer<typeof summarySchema>): string => {
  const { asked, privacy, participation, fidelity, support, verdict } = report
  return textList([
    ['SYNTHETIC', `release ${report.release}, ${report.created}, of ${report.generator.name}`],
    ['verdict', `${verdict.grade}: ${verdict.headline}`],
    ...verdict.sentences.map((sentence) => ['', sentence] as const),
    ['asked', `${wholeText(asked.rows)} rows where ${asked.where ?? '(everybody)'}, seed ${asked.seed}`],
    ['support', `${shareText(support.support)} of generated people; ESS ${wholeText(asked.effective_sample_size)}`],
    ...support.warnings.map(({ code, message }) => ['warn', `${message}  [${code}]`] as const),
    [
      'privacy',
      `epsilon ${epsilonText(privacy.public.epsilon)} public, ${epsilonText(privacy.peer.epsilon)} to a site; delta ${deltaText(privacy.delta)}; unit = one ${privacy.unit}`,
    ],
    ['in words', privacy.public.odds],
    [
      'trained by',
      `${participation.invited.length} sites invited; ${participation.opened} sums opened in ${participation.attempts} attempts`,
    ],
    [
      'fidelity',
      `${wholeText(fidelity.inside)} of ${wholeText(fidelity.cells)} cells inside the error bars of the noise`,
    ],
    ['used for', report.context_of_use],
    ...report.not_for.map((use) => ['not for', use] as const),
  ])
}

/** Never over another file. Throws `ALREADY_EXISTS`. */
const save = (file: string, text: string): void => {
  if (existsSync(file)) throw new CodedError('ALREADY_EXISTS', 'there is such a file already', { place: { file } })
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text, { flag: 'wx', flush: true })
  } catch (thrown) {
    throw fileError(file, thrown)
  }
}

/** `tributary report REQUEST` */
export const report = async (text: string, options: ReportOptions, ports: ResearcherPorts): Promise<void> => {
  const json = options.json === true
  const { html } = options
  if (html !== undefined && existsSync(html)) save(html, '')
  const { api } = await openSession(ports, options)
  const release = releaseOf(await findRequest(api, text))
  const download = `tributary download ${shellWord(printable(release))} --out DIR`
  if (html !== undefined) {
    save(html, await api.text(apiPath('releases', release, 'report.html')))
    printData(
      { release, html },
      { json, text: `${html}: the report of ${printable(release)}, one file for any browser`, next: download },
    )
    return
  }
  const found = await api.json(apiPath('releases', release, 'report'), summarySchema)
  printData(found, {
    json,
    text: summary(found),
    next: `tributary report ${shellWord(printable(release))} --html report.html; ${download}`,
  })
}
