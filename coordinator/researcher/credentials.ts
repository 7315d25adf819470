import { readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { writePrivateFile } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import * as z from 'zod'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import type { ResearcherPorts } from './ports.ts'

const credentialsSchema = z.strictObject({
  server: z.string(),
  token: z.string(),
  user: z.string(),
  role: z.string(),
  federation: z.string(),
  /** Fingerprint of the key that signs this federation's releases. */
  signing_key: z.string(),
  /** PEM certificates of the private authority to trust instead of the system's. */
  authorities: z.array(z.string()),
})
export type Credentials = z.infer<typeof credentialsSchema>

/** By server address: the fingerprint of the signing key that was first seen there, or accepted since. Outlives a logout. */
const knownKeysSchema = z.record(z.string(), z.string())

type Environment = ResearcherPorts['environment']

/** Where a researcher's own files are: $TRIBUTARY_HOME, else tributary/ in the user's configuration folder. */
export const homeFolder = (environment: Environment): string => {
  const { TRIBUTARY_HOME: own, XDG_CONFIG_HOME: configuration, HOME: home } = environment
  return own || join(configuration || join(home || homedir(), '.config'), 'tributary')
}

/** A file of the home folder; undefined where there is none. Throws `STATE_CORRUPT` without quoting it: it may hold the token. */
export const readHomeFile = <T>(environment: Environment, name: string, schema: z.ZodType<T>): T | undefined => {
  const file = join(homeFolder(environment), name)
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
    const hint = 'Remove the file, then log in again.'
    throw new HintedError('STATE_CORRUPT', 'not as Tributary wrote it', hint, { place: { file } })
  }
}

/** Readable for its owner alone, whole or not at all. */
export const writeHomeFile = (environment: Environment, name: string, value: object): void => {
  const file = join(homeFolder(environment), name)
  try {
    writePrivateFile(file, `${JSON.stringify(value, null, 2)}\n`)
  } catch (cause) {
    throw new CodedError('CONFIG_INVALID', 'cannot be written', { place: { file }, cause })
  }
}

export const savedCredentials = (environment: Environment): Credentials | undefined =>
  readHomeFile(environment, 'credentials.json', credentialsSchema)

/** Throws `LOGIN_REFUSED` before a login. */
export const readCredentials = (environment: Environment): Credentials => {
  const found = savedCredentials(environment)
  if (found) return found
  throw new HintedError(
    'LOGIN_REFUSED',
    'nobody is logged in here',
    'Run `tributary login --server URL --token-file FILE`; the operator makes tokens with `coordinator user add`.',
  )
}

export const writeCredentials = (environment: Environment, credentials: Credentials): void =>
  writeHomeFile(environment, 'credentials.json', credentials)

export const removeCredentials = (environment: Environment): void =>
  rmSync(join(homeFolder(environment), 'credentials.json'), { force: true })

export const knownKey = (environment: Environment, server: string): string | undefined =>
  readHomeFile(environment, 'known-keys.json', knownKeysSchema)?.[server]

export const learnKey = (environment: Environment, server: string, fingerprint: string): void => {
  const known = readHomeFile(environment, 'known-keys.json', knownKeysSchema)
  writeHomeFile(environment, 'known-keys.json', { ...known, [server]: fingerprint })
}
