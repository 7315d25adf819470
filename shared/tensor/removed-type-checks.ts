import * as modules from 'node:module'
import util from 'node:util'

/** What tfjs-node 4.22 still calls; Node 23 took them out of `util`. */
const source = `module.exports = {
  ...require('node:util'),
  isArray: Array.isArray,
  isNullOrUndefined: (value) => value === null || value === undefined,
}`
const address = 'tributary:util-for-tfjs-node'
const isOfLibrary = (file: string | undefined) => file !== undefined && /\/@tensorflow\/tfjs-node\//.test(file)

/**
 * Loads tfjs-node, whose own files alone are given a `util` with the type checks that later Nodes lack; the program's `util` stays as it is
 * and no file is changed. Throws what `load` throws, and `Error` on Node 23.0 to 23.4, which has neither checks nor hooks.
 */
export const withRemovedTypeChecks = <T>(load: () => T): T => {
  if ('isNullOrUndefined' in util) return load()
  if (typeof modules.registerHooks !== 'function') throw new Error('needs Node 20, 22, 23.5 or later')
  const hooks = modules.registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'util' && isOfLibrary(context.parentURL)
        ? { url: address, format: 'commonjs', shortCircuit: true }
        : next(specifier, context),
    load: (url, context, next) =>
      url === address ? { source, format: 'commonjs', shortCircuit: true } : next(url, context),
  })
  try {
    return load()
  } finally {
    hooks.deregister()
  }
}
