import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { withRemovedTypeChecks } from './removed-type-checks.ts'

type TensorLibrary = typeof import('@tensorflow/tfjs-core')

/** Names the folder of a native library built elsewhere; only that one is tried then. */
export const nativeFolderVariable = 'TRIBUTARY_TENSORFLOW'

/** What `npm run tensorflow:build` builds. The folder bears these numbers: another pin never meets an old build. */
export const nativePin = { tfjsNode: '4.22.0', tensorflow: '2.15.1' } as const

/**
 * The folder with `node_modules/@tensorflow/tfjs-node` and its binding: outside the repository, so that `npm ci`, which
 * empties node_modules, leaves it alone.
 */
export const nativeFolder = (environment: NodeJS.ProcessEnv): string =>
  environment[nativeFolderVariable] ??
  join(
    environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    'tributary',
    `tfjs-node-${nativePin.tfjsNode}-tensorflow-${nativePin.tensorflow}-${process.platform}-${process.arch}`,
  )

export interface NativeLibrary {
  readonly tf: TensorLibrary
  /** Version of the library and where it was found. */
  readonly detail: string
}

/** Why no native library is in use: for people. */
export class NativeLibraryMissing extends Error {}

/**
 * `@tensorflow/tfjs-node` with a binding that loads: npm's own where its install could download one, else the one that
 * `npm run tensorflow:build` made. Throws `NativeLibraryMissing`, which tells of each place.
 */
export const loadNativeLibrary = (environment: NodeJS.ProcessEnv): NativeLibrary => {
  // The library logs its start-up on stderr unless told otherwise before it loads.
  environment['TF_CPP_MIN_LOG_LEVEL'] ??= '1'
  const built = nativeFolder(environment)
  const places = [
    { from: import.meta.url, name: 'installed by npm' },
    { from: join(built, 'package.json'), name: `built in ${built}` },
  ]
  const reasons: string[] = []
  for (const { from, name } of environment[nativeFolderVariable] === undefined ? places : places.slice(1)) {
    const { resolve, load } = requireFrom(from)
    const entry = resolve('@tensorflow/tfjs-node')
    if (entry === null) {
      if (environment[nativeFolderVariable] !== undefined) reasons.push(`nothing in ${built}`)
      continue
    }
    try {
      const tf = withRemovedTypeChecks(() => load(entry) as TensorLibrary)
      // Not the backend in use, which may be another by now: the copies of the library in a process share them.
      const { binding } = tf.findBackend('tensorflow') as unknown as {
        readonly binding: { readonly TF_Version: string }
      }
      return { tf, detail: `native library ${binding.TF_Version}, ${name}` }
    } catch (cause) {
      reasons.push(`${name}: ${firstLine(cause)}`)
    }
  }
  throw new NativeLibraryMissing(reasons.length > 0 ? `did not load (${reasons.join('; ')})` : 'is not installed')
}

/** A require of its own for a place, which may not exist. */
const requireFrom = (from: string) => {
  const load = createRequire(from)
  return {
    load,
    resolve: (name: string): string | null => {
      try {
        const path = load.resolve(name)
        return existsSync(path) ? path : null
      } catch {
        return null
      }
    },
  }
}

const firstLine = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!.trim()
