import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { freezeStudy, type Manifest } from '@tributary/shared/study/manifest'
import { CodedError } from '@tributary/shared/errors'
import { familyOf } from '@tributary/shared/synthesizers/families'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { InProcessFederation } from '../../test/harness/in-process-federation.ts'
import { noiseTraining, smallStudy } from '../../test/harness/family-contract.ts'
import { FinishingThread } from './finishing-thread.ts'
import { type Finishing, FinishingWork } from './finishing.ts'
import { Training } from './training.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-finishing-'))
const thread = new FinishingThread()
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await thread.close()
})

let manifest: Manifest
/** Of a mixture, after its last sum. */
let training: Uint8Array
let finished: Uint8Array
beforeAll(async () => {
  manifest = freezeStudy(smallStudy('mixture', 3))
  training = (await noiseTraining(familyOf('mixture'), manifest, 5)).training.encode()
  finished = (await Training.decode(manifest, training).finish()).encode()
})

describe.each([
  ['in process', () => new FinishingWork()],
  ['in a thread', () => thread],
])('finishing %s', (_, finishingOf: () => Finishing) => {
  test('gives what was missing, the same whenever it is asked, and nothing new of what is finished', async () => {
    const finishing = finishingOf()
    expect(() => Training.decode(manifest, training).release()).toThrowError(
      expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
    )
    for (const order of [training, training, finished])
      expect(Buffer.compare(await finishing.finish({ manifest, training: order.slice() }), finished)).toBe(0)
    expect(Training.decode(manifest, finished).release().family).toBe('mixture')
  })

  test('bytes of another training are refused, and the next order is served', async () => {
    const finishing = finishingOf()
    const broken = training.slice()
    broken[200]! ^= 1
    await expect(finishing.finish({ manifest, training: broken })).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    expect(Buffer.compare(await finishing.finish({ manifest, training: training.slice() }), finished)).toBe(0)
  })
})

test('the thread that asks goes on meanwhile', async () => {
  let turns = 0
  let isOver = false
  const order = thread.finish({ manifest, training: training.slice() }).finally(() => (isOver = true))
  while (!isOver) {
    turns++
    await nextTurn()
  }
  await order
  expect(turns).toBeGreaterThan(50)
})

test('a thread that dies fails the order with INTERNAL, which is tried again; a closed one says so, in the middle of its work too', async () => {
  const file = join(folder, 'dying.mjs')
  const dying = new FinishingThread(new URL(`file://${file}`))
  writeFileSync(
    file,
    "import { parentPort } from 'node:worker_threads'\nparentPort.on('message', () => process.exit(9))\n",
  )
  for (let i = 0; i < 2; i++)
    await expect(dying.finish({ manifest, training: training.slice() })).rejects.toMatchObject({ code: 'INTERNAL' })
  await dying.close()
  await expect(dying.finish({ manifest, training: training.slice() })).rejects.toMatchObject({ code: 'INTERRUPTED' })
  const busy = new FinishingThread()
  const order = expect(busy.finish({ manifest, training: training.slice() })).rejects.toMatchObject({
    code: 'INTERRUPTED',
  })
  await busy.close()
  await order
})

test('a coordinator that stops in the middle of a fit takes it up again: no attempt more, the same generator', async () => {
  const federation = await InProcessFederation.open({
    sites: 3,
    least: 3,
    steps: 1,
    spares: { marginals: 0, gradient: 0 },
  })
  try {
    const { coordinator, study } = federation
    const honest = coordinator.finishing
    let stops = 0
    coordinator.finishing = {
      finish: async (order) => {
        if (stops++ > 1) return await honest.finish(order)
        throw new CodedError('INTERRUPTED', 'the coordinator stops')
      },
      close: async () => {},
    }
    await federation.reach('opening', 1).catch(() => undefined)
    await federation.restartCoordinator()
    await federation.complete()
    expect(stops).toBe(3)
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
    expect(coordinator.run(study).model).toBe(await federation.expectedModel())
  } finally {
    federation.close()
  }
})

test('a fit that fails time and again costs no attempt, for its sum is sound', async () => {
  const spares = { marginals: 1, gradient: 2 }
  const federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })
  try {
    const { coordinator } = federation
    const honest = coordinator.finishing
    let tries = 0
    coordinator.finishing = {
      finish: async (order) => {
        if (tries++ > 4) return await honest.finish(order)
        throw new CodedError('INTERNAL', 'the thread that finishes trainings ended in the middle of its work')
      },
      close: async () => {},
    }
    await federation.complete()
    expect(tries).toBe(6)
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts: [1, 1] })
  } finally {
    federation.close()
  }
})
