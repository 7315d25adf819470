import { CodedError } from '../errors.ts'
import type { Generator } from '../generator/generator.ts'
import { autoregressiveFamily } from './autoregressive/family.ts'
import type { Family } from './family.ts'
import { ganFamily } from './gan/family.ts'
import { mixtureFamily } from './mixture/family.ts'

/** Every family that a study can name. */
export const families: readonly Family[] = [autoregressiveFamily, mixtureFamily, ganFamily]

const byName: ReadonlyMap<string, Family> = new Map(families.map((family) => [family.name, family]))

export const familyOf = (name: Family['name']): Family => {
  const family = byName.get(name)
  if (family === undefined) throw new CodedError('ARGUMENT_INVALID', 'no family has this name')
  return family
}

/** The first line of a generator's bytes is JSON whose `format` begins with these words. */
const formatLine = /^\{"format":"tributary ([a-z]+) model /

/** The generator that `Generator.encode` wrote, by the family that its first line names. Throws `STATE_CORRUPT`. */
export const decodeGenerator = (bytes: Uint8Array): Generator => {
  const [, name] = formatLine.exec(Buffer.from(bytes.subarray(0, 64)).toString('latin1')) ?? []
  const family = name === undefined ? undefined : byName.get(name)
  if (family === undefined) throw new CodedError('STATE_CORRUPT', 'the bytes are no generator of a known family')
  return family.decodeGenerator(bytes)
}
