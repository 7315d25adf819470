import { registerHooks } from 'node:module'
import type { Engine } from '@tributary/shared/tensor/engine'

/**
 * Gives the tensor library its own derivatives of the operations named (`Relu`, `BatchMatMul` ...): tfjs-core ships them beside the
 * bundle that Node loads, in files that import each other without extensions. Registry and engine are the process's.
 */
export const loadGradients = async ({ tf }: Engine, operations: readonly string[]): Promise<void> => {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const isInside = specifier.startsWith('.') && context.parentURL?.includes('/@tensorflow/tfjs-core/dist/') === true
      return next(isInside && !specifier.endsWith('.js') ? `${specifier}.js` : specifier, context)
    },
  })
  try {
    for (const operation of operations) {
      const file: string = `@tensorflow/tfjs-core/dist/gradients/${operation}_grad.js`
      const loaded: Record<string, Parameters<Engine['tf']['registerGradient']>[0]> = await import(file)
      for (const config of Object.values(loaded)) tf.registerGradient(config)
    }
  } finally {
    hooks.deregister()
  }
}
