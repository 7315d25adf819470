import { loadSeal, SealObjects } from '@tributary/shared/he/seal-objects'
import { median, PhaseTimes } from './phase-times.ts'
import type { Baseline } from './sum-baselines.ts'

const degree = 8192
const primes = [60, 40, 40]
const scale = 2 ** 40

/**
 * CKKS under one key that every site holds, as NVIDIA FLARE ships it (`HEBuilder`: degree 8192, primes [60, 40, 40], scale 2^40,
 * public-key encryption; TenSEAL saves with SEAL's own compression, here zstd): 4,096 values a ciphertext. Bytes are those of the
 * smaller of the compressed and the bare form. The coordinator loads and adds; a site encrypts, and decrypts the sum. Any one
 * site that talks to the coordinator opens every other's vector. `siteSeconds` counts both; block by block, so that memory stays flat.
 */
export const sharedKeyCkksBaseline = async (
  vectors: readonly Float64Array[],
  expected: Float64Array,
  said: (done: number) => void,
): Promise<Baseline & { readonly bytesUncompressed: number; readonly bytesCompressed: number }> => {
  const objects = new SealObjects(await loadSeal())
  const { seal } = objects
  const parameters = objects.own(new seal.EncryptionParameters(seal.SchemeType.ckks))
  const modulus = objects.own(seal.CoeffModulus.Create(degree, Int32Array.from(primes)))
  parameters.setPolyModulusDegree(degree)
  parameters.setCoeffModulus(modulus)
  const context = objects.own(new seal.SEALContext(parameters, true, seal.SecLevelType.tc128))
  if (!context.parametersSet()) throw new Error('SEAL refuses the parameters of the baseline')
  const generator = objects.own(new seal.KeyGenerator(context))
  const secretKey = objects.own(generator.secretKey())
  const publicKey = objects.own(generator.createPublicKey())
  const encoder = objects.own(new seal.CKKSEncoder(context))
  const encryptor = objects.own(new seal.Encryptor(context, publicKey, secretKey))
  const decryptor = objects.own(new seal.Decryptor(context, secretKey))
  const evaluator = objects.own(new seal.Evaluator(context))
  const [plain, fresh, received, sum] = [
    objects.own(new seal.Plaintext()),
    objects.own(new seal.Ciphertext()),
    objects.own(new seal.Ciphertext()),
    objects.own(new seal.Ciphertext()),
  ]
  const slots = encoder.slotCount()
  const times = vectors.map(() => new PhaseTimes())
  const opening = new PhaseTimes()
  const coordinator = new PhaseTimes()
  let [bare, compressed] = [0, 0]
  let exact = true
  for (let start = 0; start < expected.length; start += slots) {
    for (const [site, vector] of vectors.entries()) {
      const bytes = times[site]!.time('encrypt', () => {
        encoder.encode(vector.slice(start, start + slots), scale, plain)
        encryptor.encrypt(plain, fresh)
        return fresh.saveToArray(seal.ComprModeType.zstd) as Uint8Array
      })
      compressed += bytes.length
      if (site === 0) bare += (fresh.saveToArray(seal.ComprModeType.none) as Uint8Array).length * vectors.length
      coordinator.time('add', () => {
        const into = site === 0 ? sum : received
        into.loadFromArray(context, bytes)
        if (site > 0) evaluator.addInplace(sum, received)
      })
    }
    const values = opening.time('decrypt', () => {
      decryptor.decrypt(sum, plain)
      return encoder.decodeFloat64(plain) as Float64Array
    })
    for (let i = start; i < Math.min(start + slots, expected.length); i++)
      exact &&= Math.round(values[i - start]!) === expected[i]
    said(Math.min(start + slots, expected.length))
  }
  const live = [sum, received, fresh, plain, evaluator, decryptor, encryptor, encoder, publicKey, secretKey]
  objects.free(...live, generator, context, modulus, parameters)
  const each = expected.length * vectors.length
  return {
    name: 'shared-key CKKS (NVIDIA FLARE)',
    bytesUpPerParameter: Math.min(bare, compressed) / each,
    bytesUncompressed: bare / each,
    bytesCompressed: compressed / each,
    siteSeconds: median(times.map(({ seconds }) => seconds)) + opening.seconds,
    coordinatorSeconds: coordinator.seconds,
    siteProcessorSeconds: median(times.map(({ processorSeconds }) => processorSeconds)) + opening.processorSeconds,
    coordinatorProcessorSeconds: coordinator.processorSeconds,
    exact,
  }
}
