import { printable } from '@tributary/shared/cli/printable'
import type { verifyRelease } from '../release/verify-release.ts'

export type Verification = Awaited<ReturnType<typeof verifyRelease>>

/** One line: what was found sound. */
export const verificationText = ({ release, signer, files, marks }: Verification): string => {
  const sound = files.filter(({ state }) => state === 'ok').length
  const facts = [
    `signature ok (${signer ?? 'none'})`,
    `files ${sound}/${files.length}`,
    `marks in ${marks.length} files`,
    `SYNTHETIC, release ${release}`,
  ]
  return printable(facts.join('   '))
}
