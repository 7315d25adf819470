import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The repository's root. */
export const root = join(import.meta.dirname, '../..')

export interface SourceFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string
  readonly text: string
  /** `text` with comments and quoted strings blanked, line for line. */
  readonly code: string
}

const blank = (match: string) => match.replace(/[^\n]/g, ' ')

/** Good enough for rules by pattern: template literals keep their text, since they hold code too. */
export const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, blank)
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, blank)
    .replace(/\/\/[^\n]*/g, blank)

const listed = (...args: string[]): string[] =>
  execFileSync('git', ['ls-files', '-z', ...args], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean)

/** Tracked and new `.ts` files of the product and its tests, generated code aside, sorted by path. */
export const sources = (): SourceFile[] =>
  [...new Set([...listed(), ...listed('--others', '--exclude-standard')])]
    .filter((path) => /^(shared|site-agent|coordinator|deploy|test)\/.*\.ts$/.test(path))
    .filter((path) => !path.startsWith('shared/wire/generated/') && existsSync(join(root, path)))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      return { path, text, code: codeOf(text) }
    })

export const isTest = (path: string): boolean => path.startsWith('test/') || path.endsWith('.test.ts')
