/** One replacement; `find` occurs exactly once in the file, else the mutant is stale. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A test by its file and its full name: the names of its blocks and its own, joined by ' > ', as `vitest list` prints it. */
export interface CatchingTest {
  readonly file: string
  readonly name: string
}

/** A mistake that somebody has made elsewhere, and the test that must fail when it is made here. */
export interface Mutant {
  readonly name: string
  readonly edits: readonly Edit[]
  readonly caughtBy: CatchingTest
}

/** What hospitals run, under the canary audit: what catches a mistake that no single part shows. */
export const canaryAudit: CatchingTest = {
  file: 'test/audit/canary-audit.test.ts',
  name: 'R12 R13 R16 audit: canaries among the patients refute no claim, and the bound is not idle',
}
