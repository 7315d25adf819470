import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { root } from '../harness/sources.ts'
import type { MeasuredStudy } from './measured-study.ts'

/**
 * Tables as integer codes, one column each, as evaluate.py of the prototypes reads them: schema.json, train.csv.gz, holdout.csv.gz and a
 * cohort a file. Patients' rows: a folder inside the repository is refused.
 */
export class BenchExport {
  readonly #folder: string
  readonly #study: MeasuredStudy

  constructor(folder: string, study: MeasuredStudy) {
    if (!relative(root, resolve(folder)).startsWith('..')) throw new Error(`${folder} is inside the repository`)
    this.#folder = folder
    this.#study = study
  }

  /** One folder a seed: its split and its cohorts. */
  write(seed: number, name: string, cells: Uint16Array): string {
    const folder = join(this.#folder, `seed-${seed}`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { layout, names, ordered, levelNames } = this.#study
    const schema = names.map((column, j) => {
      const size = layout.sizes[j]!
      const levels = Array.from({ length: size }, (_, code) => levelNames(j, code))
      return [column, { kind: 'cat', size, levels, ordinal: ordered[j] }]
    })
    writeFileSync(join(folder, 'schema.json'), JSON.stringify(Object.fromEntries(schema)))
    const lines = [names.join(',')]
    for (let at = 0; at < cells.length; at += names.length) lines.push(cells.subarray(at, at + names.length).join(','))
    const isSplit = name === 'train' || name === 'holdout'
    const path = join(folder, isSplit ? `${name}.csv.gz` : `${name}.csv`)
    const text = `${lines.join('\n')}\n`
    writeFileSync(path, isSplit ? gzipSync(text) : text, { mode: 0o600 })
    return path
  }
}
