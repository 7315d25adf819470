import { closeSync, existsSync, fsyncSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { readPrivateFile, writePrivateFile, writePrivateFolder } from '@tributary/shared/cli/private-file'
import { type BoxKeys, exportBoxKeys, importBoxKeys, newBoxKeys } from '@tributary/shared/he/box'
import type { SiteId, StudyId } from '@tributary/shared/ids'
import { CodedError } from '@tributary/shared/errors'
import { syncFolder } from '@tributary/shared/store/durable-folder'
import { count } from '@tributary/shared/units'
import { signBody } from '@tributary/shared/wire/body'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'

/** In place, so that the blocks of the disk that held it are the ones written; a disk that copies on write keeps them all the same. */
const overwrite = (path: string): void => {
  const handle = openSync(path, 'r+')
  try {
    const zeros = new Uint8Array(statSync(path).size)
    for (let done = 0; done < zeros.length; ) done += writeSync(handle, zeros, done)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/**
 * The private keys that open this site's share boxes, one pair (X25519 and ML-KEM-768) a study and epoch (shared/study/epoch).
 * Their folder belongs outside ordinary backups (R4). An erased epoch is remembered as erased and its keys are never made again.
 */
export class BoxKeyRing {
  readonly #folder: string
  readonly #open = new Map<string, BoxKeys>()

  constructor(folder: string) {
    this.#folder = folder
  }

  /** This site's signed public keys for an epoch, made on first use. Throws `ROUND_REFUSED` for an erased one. */
  statement(study: StudyId, epoch: number, me: SiteId, identity: IdentityKey): SignedMessage {
    this.refuseErased(study, count('epoch', epoch))
    const folder = this.#folderOf(study, epoch)
    if (!existsSync(folder)) writePrivateFolder(folder, { keys: exportBoxKeys(newBoxKeys()) })
    const key = this.privateKeys(study, epoch).publicKey
    return signBody('box-keys', me, { study, epoch, key }, identity)
  }

  /** Throws `BOX_INVALID` for an epoch whose keys this site does not hold: erased, or not made yet. */
  privateKeys(study: StudyId, epoch: number): BoxKeys {
    const folder = this.#folderOf(study, epoch)
    const known = this.#open.get(folder)
    if (known !== undefined) return known
    if (epoch < this.#firstKept(study) || !existsSync(folder))
      throw new CodedError('BOX_INVALID', `a box for epoch ${epoch}, whose keys are not here`)
    const keys = importBoxKeys(readPrivateFile(join(folder, 'keys'), 'site-agent study approve').toString('utf8'))
    this.#open.set(folder, keys)
    return keys
  }

  /** Throws `ROUND_REFUSED` for an epoch that is over here. */
  refuseErased(study: StudyId, epoch: number): void {
    if (epoch < this.#firstKept(study))
      throw new CodedError('ROUND_REFUSED', `epoch ${epoch} is over, its box keys are erased`, {
        place: { field: 'epoch' },
      })
  }

  /**
   * Erases the keys of every epoch before `first`. That they are gone is durable before the first of them goes, so that a crash in
   * between leaves none that would be used; what it leaves is erased by the next call. Earlier calls are never taken back.
   */
  eraseBefore(study: StudyId, first: number): void {
    const kept = Math.max(this.#firstKept(study), count('epoch', first))
    if (kept === 0) return
    // A name of its own each time: a file that is replaced may be found half written.
    if (kept > this.#firstKept(study)) writePrivateFile(join(this.#folder, `${study}.erased-before-${kept}`), '')
    for (const name of this.#names()) {
      const epoch = /^([0-9a-f]{64})-([0-9]+)$/.exec(name)
      if (epoch === null || epoch[1] !== study || Number(epoch[2]) >= kept) continue
      const folder = join(this.#folder, name)
      this.#open.delete(folder)
      const file = join(folder, 'keys')
      if (existsSync(file)) overwrite(file)
      rmSync(folder, { recursive: true, force: true })
      syncFolder(this.#folder)
    }
  }

  /** Erases every key of a study that is over: none is ever made for it again. */
  retire(study: StudyId): void {
    this.eraseBefore(study, Number.MAX_SAFE_INTEGER)
  }

  #firstKept(study: StudyId): number {
    const mark = `${study}.erased-before-`
    const marks = this.#names().filter((name) => name.startsWith(mark) && /^[0-9]+$/.test(name.slice(mark.length)))
    return Math.max(0, ...marks.map((name) => Number(name.slice(mark.length))))
  }

  #names(): string[] {
    return existsSync(this.#folder) ? readdirSync(this.#folder) : []
  }

  #folderOf(study: StudyId, epoch: number): string {
    return join(this.#folder, `${study}-${epoch}`)
  }
}
