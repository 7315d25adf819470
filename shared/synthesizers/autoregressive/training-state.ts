import { CodedError } from '../../errors.ts'
import { hashBytes } from '../../wire/canonical.ts'
import type { ColumnCells } from '../cell-condition.ts'
import { layoutOf } from '../cells.ts'
import { type Network, networkOf } from './network.ts'
import type { AutoregressiveSettings } from './settings.ts'

/** Everything that the next step depends on. Arrays are packed vectors of `network.dimension`. */
export interface TrainingState {
  readonly network: Network
  readonly params: Float32Array
  readonly firstMoment: Float32Array
  readonly secondMoment: Float32Array
  /** Gradient steps applied. */
  readonly updates: number
  /** Running mean of `params` over the `averaged` last steps. */
  readonly average: Float32Array
  readonly averaged: number
  /** Noisy share of every cell, adding up to 1 in each column; null until measured. */
  readonly marginals: Float64Array | null
  /** By column of the study: its levels as cells of the network's groups; null where a group is a level. */
  readonly levels: readonly (ColumnCells | null)[]
}

/** What a study publishes and cohorts are drawn from. */
export interface ReleasedModel {
  readonly network: Network
  readonly params: Float32Array
  readonly marginals: Float64Array | null
  readonly levels: readonly (ColumnCells | null)[]
}

/*
 * Bytes: one line of JSON (format, sizes, settings, counts), the arrays little-endian without gaps, SHA-256 of all before.
 * Equal states give equal bytes. `levels` stands there only where some column is grouped: levels by column, 0 where it is not; then
 * for each grouped column its groups (uint16) and shares (float64) come last.
 */

const stateFormat = 'tributary autoregressive state 1'
const modelFormat = 'tributary autoregressive model 1'

export const encodeState = (state: TrainingState): Uint8Array =>
  seal(
    { format: stateFormat, ...describe(state), updates: state.updates, averaged: state.averaged },
    [state.params, state.firstMoment, state.secondMoment, state.average],
    state,
  )

/** The state that `encodeState` wrote, bit for bit. Throws `STATE_CORRUPT` on any other bytes. */
export const decodeState = (bytes: Uint8Array): TrainingState =>
  guard('a training state', () => {
    const { header, network, vectors, marginals, levels } = open(bytes, stateFormat, 4)
    const [params, firstMoment, secondMoment, average] = vectors as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ]
    const { updates, averaged } = header
    if (!Number.isSafeInteger(updates) || !Number.isSafeInteger(averaged)) throw new RangeError('counts')
    return { network, params, firstMoment, secondMoment, updates, average, averaged, marginals, levels }
  })

export const encodeModel = (model: ReleasedModel): Uint8Array =>
  seal({ format: modelFormat, ...describe(model) }, [model.params], model)

/** The model that `encodeModel` wrote, bit for bit. Throws `STATE_CORRUPT` on any other bytes. */
export const decodeModel = (bytes: Uint8Array): ReleasedModel =>
  guard('a released model', () => {
    const { network, vectors, marginals, levels } = open(bytes, modelFormat, 1)
    return { network, params: vectors[0]!, marginals, levels }
  })

interface Header {
  readonly format: string
  readonly sizes: readonly number[]
  readonly settings: AutoregressiveSettings
  readonly marginals: boolean
  readonly levels?: readonly number[]
  readonly updates: number
  readonly averaged: number
}

const describe = ({ network, marginals, levels }: ReleasedModel) => {
  const { hidden, learningRate, averagedShare, marginalShare } = network.settings
  return {
    sizes: network.layout.sizes,
    settings: { hidden, learningRate, averagedShare, marginalShare },
    marginals: marginals !== null,
    ...(levels.some((column) => column !== null) && { levels: levels.map((column) => column?.parent.length ?? 0) }),
  }
}

const digestBytes = 32

const seal = (
  header: object,
  vectors: readonly Float32Array[],
  { marginals, levels }: Pick<ReleasedModel, 'marginals' | 'levels'>,
): Uint8Array => {
  const grouped = levels.filter((column) => column !== null)
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`)
  const length = vectors.reduce(
    (total, vector) => total + 4 * vector.length,
    line.length + 8 * (marginals?.length ?? 0) + grouped.reduce((sum, { parent }) => sum + 10 * parent.length, 0),
  )
  const bytes = new Uint8Array(length + digestBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(line)
  let at = line.length
  for (const vector of vectors) for (const value of vector) view.setFloat32((at += 4) - 4, value, true)
  for (const value of marginals ?? []) view.setFloat64((at += 8) - 8, value, true)
  for (const { parent, share } of grouped) {
    for (const group of parent) view.setUint16((at += 2) - 2, group, true)
    for (const value of share) view.setFloat64((at += 8) - 8, value, true)
  }
  bytes.set(digest(bytes.subarray(0, length)), length)
  return bytes
}

const open = (bytes: Uint8Array, format: string, vectorCount: number) => {
  const body = bytes.subarray(0, bytes.length - digestBytes)
  if (!digest(body).equals(bytes.subarray(body.length))) throw new RangeError('digest')
  const lineEnd = body.indexOf(10)
  const header = JSON.parse(new TextDecoder().decode(body.subarray(0, lineEnd))) as Header
  if (header.format !== format) throw new RangeError('format')
  const network = networkOf(layoutOf(header.sizes), header.settings)
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  let at = lineEnd + 1
  const vectors = Array.from({ length: vectorCount }, () =>
    Float32Array.from({ length: network.dimension }, () => view.getFloat32((at += 4) - 4, true)),
  )
  const marginals = header.marginals
    ? Float64Array.from({ length: network.layout.cells }, () => view.getFloat64((at += 8) - 8, true))
    : null
  const levels = header.sizes.map((groups, j): ColumnCells | null => {
    const count = header.levels?.[j] ?? 0
    if (count === 0) return null
    const parent = Uint16Array.from({ length: count }, () => view.getUint16((at += 2) - 2, true))
    const share = Float64Array.from({ length: count }, () => view.getFloat64((at += 8) - 8, true))
    if (parent.some((group) => group >= groups)) throw new RangeError('groups')
    return { parent, share }
  })
  if (at !== body.length) throw new RangeError('length')
  return { header, network, vectors, marginals, levels }
}

const digest = (bytes: Uint8Array) => Buffer.from(hashBytes(bytes), 'hex')

const guard = <T>(what: string, read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    throw new CodedError('STATE_CORRUPT', `the bytes are not ${what}`, { cause })
  }
}
