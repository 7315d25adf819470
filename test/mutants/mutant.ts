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
