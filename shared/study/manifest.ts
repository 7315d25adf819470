import type * as z from 'zod'
import { checkPromises } from '../dp/plan-check.ts'
import { admitPlan, checkPlan, planQueries } from '../dp/plan.ts'
import type { Place } from '../errors.ts'
import { threshold } from '../he/thresholds.ts'
import type { Digest, StudyId } from '../ids.ts'
import { studyId } from '../ids.ts'
import { resolveFamily } from '../synthesizers/auto/resolve-family.ts'
import { type Canonical, decodeCanonical, encodeCanonical, hashCanonical } from '../wire/canonical.ts'
import { resolveColumns } from './column-file.ts'
import { checkFacts } from './facts.ts'
import { federationOf, holderCount } from './federation.ts'
import { type Finding, invalid, StudyRefused, type StudyPath } from './finding.ts'
import { type LevelsReader, noLevelsFiles, withLevels } from './levels-file.ts'
import { plannedQuery } from './plan-block.ts'
import { type Manifest, manifestSchema, type StudyDraft, type StudyFile, studyFileSchema } from './study-schema.ts'
import { parseYaml } from './yaml-place.ts'

export type { Manifest, StudyDraft } from './study-schema.ts'

export interface ParsedStudy {
  readonly draft: StudyDraft
  place(path: StudyPath): Place
}

/**
 * A study file with its defaults filled in. Throws `StudyRefused` (`MANIFEST_INVALID`, or `PLAN_REFUSED` where only a promise
 * is broken) with every finding of every line; a plan block is checked for its shape only: `checkPlan` prices it.
 * `plan: 'drop'` reads the file as if it had no plan yet. `readLevels`: the level files that it may name, `levelsBeside(path)`.
 * A manifest written out as JSON is a study file too, and means itself.
 */
export const parseStudy = (
  text: string,
  file: string,
  plan: 'keep' | 'drop' = 'keep',
  readLevels: LevelsReader = noLevelsFiles,
): ParsedStudy => {
  const yaml = parseYaml(text, file)
  const refuse = (findings: readonly Finding[]) => {
    if (findings.length > 0) throw new StudyRefused(findings, yaml.place)
  }
  refuse(yaml.findings)
  const value = plan === 'drop' && isRecord(yaml.value) ? { ...yaml.value, plan: undefined } : yaml.value
  const draft = spelledOutDraft.safeParse(value).data ?? draftOf(value, readLevels, yaml.place)
  refuse(checkFacts(draft))
  refuse(checkPromises(draft))
  return { draft, place: yaml.place }
}

const spelledOutDraft = manifestSchema.partial({ plan: true }).required({ cohort_floor: true })

const draftOf = (value: unknown, readLevels: LevelsReader, place: ParsedStudy['place']): StudyDraft => {
  const listed = withLevels(value, readLevels)
  if (listed.findings.length > 0) throw new StudyRefused(listed.findings, place)
  const parsed = studyFileSchema.safeParse(listed.value)
  if (!parsed.success) throw new StudyRefused(parsed.error.issues.flatMap(findingsOf), place)
  const { columns, findings } = resolveColumns(parsed.data.columns, parsed.data.sites)
  if (findings.length > 0) throw new StudyRefused(findings, place)
  const facts = { ...parsed.data, columns, federation: federationOf(parsed.data) }
  return { ...facts, family: concreteFamily(facts, place) }
}

/** The block that the manifest holds: what `auto` stands for is a function of public facts. */
const concreteFamily = (
  facts: Omit<StudyDraft, 'family'> & Pick<StudyFile, 'family'>,
  place: ParsedStudy['place'],
): StudyDraft['family'] => {
  const { family, columns } = facts
  if (family.name !== 'auto') return family
  if (family.outcome !== undefined && !columns.some(({ name }) => name === family.outcome))
    throw new StudyRefused([invalid(['family', 'outcome'], 'not among the columns')], place)
  return resolveFamily({ ...facts, family })
}

/**
 * A study file whose frozen plan has been priced and admitted. Throws like `parseStudy`, plan included; `program` is the one that
 * makes plans, for whoever has none. Cost: `checkPlan`.
 */
export const parseManifest = (
  text: string,
  file: string,
  program = 'tributary',
  readLevels: LevelsReader = noLevelsFiles,
): Manifest => {
  const { draft, place } = parseStudy(text, file, 'keep', readLevels)
  if (!draft.plan)
    throw new StudyRefused([invalid(['plan'], `missing: run \`${program} study plan FILE --write\``)], place)
  const manifest = manifestOf(draft)
  const findings = checkPlan(manifest)
  if (findings.length > 0) throw new StudyRefused(findings, place)
  return manifest
}

/** Builds the plan anew, whatever plan the draft had. Throws `PLAN_REFUSED` when what comes out does not keep the rules. */
export const freezeStudy = (draft: StudyDraft): Manifest => {
  const plan = {
    threshold: threshold(holderCount(draft), draft.federation.colluders),
    queries: planQueries(draft).map(plannedQuery),
  }
  const manifest = manifestOf({ ...draft, plan })
  admitPlan(manifest)
  return manifest
}

/** The draft with the plan that it holds. Throws `MANIFEST_INVALID` without one. */
export const manifestOf = (draft: StudyDraft): Manifest => read(draft)

/** The manifest's own name: what every hospital sees before it approves. */
export const manifestHash = (manifest: Manifest): Digest => hashCanonical('manifest', canonicalOf(manifest))

/** What a hospital approves: this manifest under this roster (R1). */
export const studyIdOf = (manifest: Manifest, rosterHash: Digest): StudyId =>
  studyId(hashCanonical('study', { manifest: manifestHash(manifest), roster: rosterHash }))

export const encodeManifest = (manifest: Manifest): Uint8Array => encodeCanonical(canonicalOf(manifest))

/**
 * A manifest from canonical bytes, its shape and facts validated again. Throws `CANONICAL_INVALID` or `StudyRefused`. The
 * plan's price is checked by `admitPlan`, which a site calls before it shows or approves a study.
 */
export const decodeManifest = (bytes: Uint8Array): Manifest => {
  const manifest = read(decodeCanonical(bytes))
  const findings = [...checkFacts(manifest), ...checkPromises(manifest)]
  if (findings.length > 0) throw new StudyRefused(findings)
  return manifest
}

const read = (value: unknown): Manifest => {
  const parsed = manifestSchema.safeParse(value)
  if (!parsed.success) throw new StudyRefused(parsed.error.issues.flatMap(findingsOf))
  return parsed.data
}

/** Absent options are left out: undefined has no canonical form. */
const canonicalOf = (manifest: Manifest): Canonical => prune(manifest) as Canonical

const prune = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(prune)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, prune(item)]),
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const findingsOf = (issue: z.core.$ZodIssue): Finding[] => {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => invalid([...path, key], 'unknown key'))
  return [invalid(path, issue.message)]
}
