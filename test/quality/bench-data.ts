import { basename } from 'node:path'
import type { SiteColumn } from './bench-study.ts'
import { shuffled } from './discriminator.ts'
import {
  hasColumns,
  type HospitalTable,
  namesWanted,
  type PatientRows,
  readHospital,
  type TableStudy,
} from './hospital-table.ts'
import { rowsWhere } from './patient-splits.ts'

/**
 * Every file that has the study's columns, one hospital each, called as the site whose name its name holds; with `siteColumn` one
 * file may hold several. Throws where no file has the columns; files of other columns are told to `skip`.
 */
export const readTables = (
  study: TableStudy & { readonly sites: readonly { readonly name: string }[] },
  files: readonly string[],
  skip: (file: string) => void,
  siteColumn?: SiteColumn,
): HospitalTable[] => {
  const fitting = files.filter((file) => {
    const fits = hasColumns(study, file)
    if (!fits) skip(file)
    return fits
  })
  if (fitting.length === 0)
    throw new Error(
      `no table has the study's columns: ${namesWanted(study).join(', ')} (--schema FILE says which it has)`,
    )
  if (siteColumn !== undefined)
    return fitting.flatMap((file) =>
      study.sites.map(({ name }) => {
        const isOwn = (text: string) => siteOf(study.sites, siteColumn, text) === name
        return readHospital(study, name, file, { column: siteColumn.column, isOwn })
      }),
    )
  return fitting.map((file) => {
    const name = basename(file)
    return readHospital(study, study.sites.find((site) => name.includes(site.name))?.name ?? name.split('.')[0]!, file)
  })
}

/** The site that a text of the site column means; null for one that takes no part. */
const siteOf = (
  sites: readonly { readonly name: string }[],
  { otherwise = null }: { readonly otherwise?: string | null },
  text: string,
): string | null => {
  const slug = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  const fitting = sites.map(({ name }) => name).filter((name) => slug === name || slug.startsWith(`${name}-`))
  return fitting.sort((a, b) => b.length - a.length)[0] ?? otherwise
}

/** The first `most` rows; fewer where there are fewer. */
export const firstRows = ({ cells, patients }: PatientRows, most: number): PatientRows => {
  const columns = cells.length / patients.length
  return { cells: cells.slice(0, most * columns), patients: patients.slice(0, most) }
}

/** At random as many whole patients as fit into `most` rows. */
export const somePatients = (rows: PatientRows, most: number, seed: number): PatientRows => {
  const counts = new Map<string, number>()
  for (const patient of rows.patients) counts.set(patient, (counts.get(patient) ?? 0) + 1)
  const patients = [...counts.keys()]
  const kept = new Set<string>()
  let taken = 0
  for (const at of shuffled(patients.length, seed)) {
    const own = counts.get(patients[at]!)!
    if (taken + own > most) break
    taken += own
    kept.add(patients[at]!)
  }
  return rowsWhere(rows, (patient) => kept.has(patient))
}

/** Patients dealt at random to `sites` tables. */
export const dealt = (rows: PatientRows, sites: number, seed: number): PatientRows[] => {
  const patients = [...new Set(rows.patients)]
  const siteOf = new Map<string, number>()
  shuffled(patients.length, seed).forEach((at, i) => siteOf.set(patients[at]!, i % sites))
  return Array.from({ length: sites }, (_, site) => rowsWhere(rows, (patient) => siteOf.get(patient) === site))
}

/** Most rows of one patient. */
export const mostRowsOf = ({ patients }: PatientRows): number => {
  const counts = new Map<string, number>()
  let most = 1
  for (const patient of patients) {
    const own = (counts.get(patient) ?? 0) + 1
    counts.set(patient, own)
    most = Math.max(most, own)
  }
  return most
}
