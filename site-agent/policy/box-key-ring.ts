import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readPrivateFile, writePrivateFolder } from '@tributary/shared/cli/private-file'
import { type BoxKeys, exportBoxKeys, importBoxKeys, newBoxKeys } from '@tributary/shared/he/box'
import type { SiteId, StudyId } from '@tributary/shared/ids'
import { CodedError } from '@tributary/shared/errors'
import { signBody } from '@tributary/shared/wire/body'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'

/**
 * The private keys that open this site's share boxes, one pair (X25519 and ML-KEM-768) a study and epoch. Their folder
 * belongs outside ordinary backups (R4). An epoch lasts as long as the study.
 */
export class BoxKeyRing {
  readonly #folder: string
  readonly #open = new Map<string, BoxKeys>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** This site's signed public keys for the study's epoch 0, made on first use. */
  statement(study: StudyId, me: SiteId, identity: IdentityKey): SignedMessage {
    const folder = this.#folderOf(study, 0)
    if (!existsSync(folder)) writePrivateFolder(folder, { keys: exportBoxKeys(newBoxKeys()) })
    const key = this.privateKeys(study, 0).publicKey
    return signBody('box-keys', me, { study, epoch: 0, key }, identity)
  }

  /** Throws `BOX_INVALID` for an epoch whose keys this site does not hold. */
  privateKeys(study: StudyId, epoch: number): BoxKeys {
    const folder = this.#folderOf(study, epoch)
    const known = this.#open.get(folder)
    if (known !== undefined) return known
    if (!existsSync(folder)) throw new CodedError('BOX_INVALID', `a box for epoch ${epoch}, whose keys are not here`)
    const keys = importBoxKeys(readPrivateFile(join(folder, 'keys'), 'site-agent study approve').toString('utf8'))
    this.#open.set(folder, keys)
    return keys
  }

  #folderOf(study: StudyId, epoch: number): string {
    return join(this.#folder, `${study}-${epoch}`)
  }
}
