import { CodedError } from '@tributary/shared/errors'
import { histogramCell, type ScoreShape, scorerOf } from '@tributary/shared/evaluation/scorer'
import { trainScorer } from '@tributary/shared/evaluation/train-scorer'
import type { Generator } from '@tributary/shared/generator/generator'
import { sampleCells } from '@tributary/shared/generator/sample'
import { hashBytes } from '@tributary/shared/wire/canonical'

/** The evaluation of a finished generator: post-processing of it, and then of one noisy sum. */
export interface Evaluation {
  /** The scorer that is announced to the sites: see `scorerOf`. */
  readonly parameters: Float32Array
  /** How synthetic rows that the scorer was not trained on fall into its histogram. */
  readonly synthetic: Float64Array
  /** The noisy sum over the held-out patients of all sites; null until it is opened. */
  readonly heldOut: Float64Array | null
}

/** Synthetic rows to train on, and as many others to test on; the seeds are public, and no cohort's. */
const rows = 32_768
const seeds = { train: 0x7e57_0001, test: 0x7e57_0002 }

/**
 * The scorer of a finished generator, trained on a synthetic cohort of it and tried on another. Equal models give equal
 * evaluations. Cost: 65,536 synthetic rows and one logistic regression: a second or two.
 */
export const prepareEvaluation = async (shape: ScoreShape, model: Generator): Promise<Evaluation> => {
  const parameters = trainScorer(shape, await drawn(model, seeds.train))
  const scorer = scorerOf(shape, parameters)
  const cells = await drawn(model, seeds.test)
  const synthetic = new Float64Array(2 * shape.bins)
  for (let row = 0; row < rows; row++) synthetic[histogramCell(scorer, cells, row)]! += 1
  return { parameters, synthetic, heldOut: null }
}

const drawn = async (model: Generator, seed: number): Promise<Uint16Array> => {
  const columns = model.layout.sizes.length
  const cells = new Uint16Array(rows * columns)
  let at = 0
  for await (const batch of sampleCells(model, rows, seed)) {
    cells.set(batch, at)
    at += batch.length
  }
  return cells
}

const format = 'tributary evaluation 1'
const digestBytes = 32

/** One line of JSON, the three arrays little-endian without gaps, SHA-256 of all before. Equal evaluations give equal bytes. */
export const encodeEvaluation = ({ parameters, synthetic, heldOut }: Evaluation): Uint8Array => {
  const header = { format, parameters: parameters.length, cells: synthetic.length, isOpen: heldOut !== null }
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`)
  const doubles = [...synthetic, ...(heldOut ?? [])]
  const length = line.length + 4 * parameters.length + 8 * doubles.length
  const bytes = new Uint8Array(length + digestBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(line)
  let at = line.length
  for (const value of parameters) view.setFloat32((at += 4) - 4, value, true)
  for (const value of doubles) view.setFloat64((at += 8) - 8, value, true)
  bytes.set(Buffer.from(hashBytes(bytes.subarray(0, length)), 'hex'), length)
  return bytes
}

/** The evaluation that `encodeEvaluation` wrote, bit for bit. Throws `STATE_CORRUPT` on any other bytes. */
export const decodeEvaluation = (bytes: Uint8Array): Evaluation => {
  try {
    const body = bytes.subarray(0, bytes.length - digestBytes)
    if (!Buffer.from(hashBytes(body), 'hex').equals(bytes.subarray(body.length))) throw new RangeError('digest')
    const lineEnd = body.indexOf(10)
    const header = JSON.parse(new TextDecoder().decode(body.subarray(0, lineEnd))) as {
      readonly format: string
      readonly parameters: number
      readonly cells: number
      readonly isOpen: boolean
    }
    if (header.format !== format) throw new RangeError('format')
    const view = new DataView(body.buffer, body.byteOffset, body.length)
    let at = lineEnd + 1
    const doubles = () => Float64Array.from({ length: header.cells }, () => view.getFloat64((at += 8) - 8, true))
    const parameters = Float32Array.from({ length: header.parameters }, () => view.getFloat32((at += 4) - 4, true))
    const synthetic = doubles()
    const heldOut = header.isOpen ? doubles() : null
    if (at !== body.length) throw new RangeError('length')
    return { parameters, synthetic, heldOut }
  } catch (cause) {
    throw new CodedError('STATE_CORRUPT', 'the bytes are not an evaluation', { cause })
  }
}
