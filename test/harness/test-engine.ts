import { type Engine, type EngineName, loadEngine } from '@tributary/shared/tensor/engine'

/** The engine that tests of engine work are about: WebAssembly, or the one that the suite `native` names. */
export const testEngine = (process.env['TRIBUTARY_TEST_ENGINE'] ?? 'wasm') as EngineName

/** Throws `Error` where `loadEngine` would take another. */
export const loadTestEngine = async (): Promise<Engine> => {
  const engine = await loadEngine({ prefer: testEngine })
  if (engine.name !== testEngine) throw new Error(engine.description)
  return engine
}
