import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { whyUnreadable, writePrivateFile } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import {
  exportIdentity,
  fingerprint,
  generateIdentity,
  type IdentityKey,
  importIdentity,
} from '@tributary/shared/wire/signed'

/**
 * The consortium's admin key: it alone says who the hospitals are (R1). This machine needs its public part; the private one is for
 * a machine or a medium that no network reaches.
 */
export const adminKeyPath = (dataDir: string): string => join(dataDir, 'admin.key')

/** Makes the key, readable by its owner alone. Throws `ALREADY_EXISTS`: the only copy there may be is never written over. */
export const makeAdminKey = (path: string): IdentityKey => {
  if (existsSync(path))
    throw new HintedError('ALREADY_EXISTS', `${path} exists already`, 'Name another file; a key is never written over.')
  const key = generateIdentity()
  writePrivateFile(path, exportIdentity(key))
  return key
}

/** What `coordinator init` uses: the key that is there (of an init that was interrupted, or brought), else a new one. */
export const initialAdminKey = (path: string): IdentityKey =>
  existsSync(path) ? readAdminKey(path) : makeAdminKey(path)

const elsewhere =
  'Give --admin-key-file FILE where it is mounted here; or sign on the machine that has it: `coordinator roster draft --out F`, there `coordinator roster sign F --admin-key-file K --out G`, here `coordinator roster publish G`.'

const noKey = (file: string, why: string, cause: unknown): never => {
  const hint =
    'Name the private key that `coordinator init` or `coordinator roster key` made (PEM), or its second copy.'
  throw new HintedError('ARGUMENT_INVALID', why, hint, { place: { field: '--admin-key-file', file }, cause })
}

/** Throws `NOT_FOUND` where there is no file, `ARGUMENT_INVALID` for one that cannot be read or is no admin key. */
export const readAdminKey = (path: string): IdentityKey => {
  if (!existsSync(path)) throw new HintedError('NOT_FOUND', `the admin key is not at ${path}`, elsewhere)
  let pem = ''
  try {
    pem = readFileSync(path, 'utf8')
  } catch (cause) {
    return noKey(path, `the file cannot be read: ${whyUnreadable(cause) ?? 'it went away'}`, cause)
  }
  try {
    return importIdentity(pem)
  } catch (cause) {
    return noKey(path, 'the file holds no admin key (an Ed25519 private key, PKCS #8 in PEM)', cause)
  }
}

/** Throws `ROSTER_REFUSED` where `key` is not the federation's. */
export const requireAdmin = (key: IdentityKey, admin: Uint8Array): void => {
  if (Buffer.compare(key.publicKey, admin) === 0) return
  const why = `this admin key has fingerprint ${fingerprint(key.publicKey)}, the federation's ${fingerprint(admin)}`
  throw new HintedError('ROSTER_REFUSED', why, 'Use the key that `coordinator init` made or was told of.')
}

/** 64 hexadecimal digits as `coordinator roster key` prints them. Throws `ARGUMENT_INVALID`. */
export const adminPublicKey = (text: string): Uint8Array => {
  if (/^[0-9a-f]{64}$/.test(text)) return new Uint8Array(Buffer.from(text, 'hex'))
  throw new CodedError(
    'ARGUMENT_INVALID',
    'a public key is 64 hexadecimal digits, as `coordinator roster key` prints',
    {
      place: { field: '--admin-public-key' },
    },
  )
}

/** What to do with a private key that lies in the data directory; undefined where it does not. */
export const adviceOn = (path: string, dataDir: string): string | undefined =>
  resolve(dirname(path)) === resolve(dataDir)
    ? `move ${path} to a machine or medium without a network, and keep a second copy: whoever has it and this machine can add hospitals, and without it no roster can ever be changed. Then sign with --admin-key-file, or by roster draft, sign and publish`
    : undefined
