import type { Network } from '@tributary/shared/synthesizers/autoregressive/network'
import { hiddenOutputOf } from '@tributary/shared/synthesizers/autoregressive/hidden-output'
import {
  addSparse,
  chunkFor,
  enterHidden,
  gateHidden,
  leaveOutputs,
} from '@tributary/shared/synthesizers/autoregressive/pass'
import type { Engine } from '@tributary/shared/tensor/engine'

const chunkRows = 1024

/** The same pass as `gradientSum` without norms, clipping or checks: what private training is measured against. */
export const plainGradient = (
  engine: Engine,
  network: Network,
  params: Float32Array,
  cells: Uint16Array,
): Float64Array => {
  const columns = network.layout.sizes.length
  const rows = cells.length / columns
  const chunk = chunkFor(network, params, Math.min(chunkRows, rows))
  const weights = hiddenOutputOf(engine, network, params)
  for (let first = 0; first < rows; first += chunkRows) {
    const count = Math.min(chunkRows, rows - first)
    enterHidden(network, cells, first, count, chunk)
    leaveOutputs(network, cells, first, count, weights.forward(chunk.hidden, count), chunk)
    gateHidden(weights.backward(chunk.outputs, count), chunk)
    addSparse(network, cells, first, count, chunk)
    weights.addGradient(chunk, count)
  }
  weights.dispose()
  return chunk.sum.slice()
}
