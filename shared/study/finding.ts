import { CodedError, type Place } from '../errors.ts'

export type StudyPath = readonly (string | number)[]

/** One thing that is wrong with a study, and where: `path` as in the file, `line` (from 1) when the file is at hand. */
export interface Finding {
  readonly code: 'MANIFEST_INVALID' | 'PLAN_REFUSED'
  readonly path: StudyPath
  readonly message: string
  readonly line?: number
}

export const invalid = (path: StudyPath, message: string): Finding => ({ code: 'MANIFEST_INVALID', path, message })
export const refused = (path: StudyPath, message: string): Finding => ({ code: 'PLAN_REFUSED', path, message })

/** `columns[3].levels[0]` */
export const pathText = (path: StudyPath): string =>
  path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('')

/** Everything wrong with one study at once. The first finding gives the place; MANIFEST_INVALID outranks PLAN_REFUSED. */
export class StudyRefused extends CodedError {
  readonly findings: readonly Finding[]

  constructor(
    findings: readonly Finding[],
    placeOf: (path: StudyPath) => Place = (path) => ({ field: pathText(path) }),
  ) {
    const located = findings.map((finding) => {
      const line = finding.line ?? placeOf(finding.path).line
      return line === undefined ? finding : { ...finding, line }
    })
    located.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
    const [at] = located
    const first = { ...placeOf(at?.path ?? []), ...(at?.line === undefined ? {} : { line: at.line }) }
    const lines = located.map(({ line, path, message }) => {
      const where = first.file === undefined ? '' : `${first.file}${line === undefined ? '' : `:${line}`} `
      return `${where}${pathText(path) || 'study'}: ${message}`
    })
    const code = located.some((finding) => finding.code === 'MANIFEST_INVALID') ? 'MANIFEST_INVALID' : 'PLAN_REFUSED'
    super(code, lines.join('\n'), { place: first })
    this.findings = located
  }
}
