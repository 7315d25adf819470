import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './sources.ts'

/** Before the slow suites: they start the shipped binaries, which run what `tsc -b` wrote. Nothing to do takes a second. */
export default (): void => {
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-b'], { cwd: root, stdio: 'inherit' })
}
