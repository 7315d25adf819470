import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { OpeningThread } from '../../../coordinator/aggregate/opening-thread.ts'
import { InProcessFederation } from '../../harness/in-process-federation.ts'
import { checkInvariants } from '../../harness/round-invariants.ts'

let federation: InProcessFederation
afterEach(() => federation.close())

/** A thread that opens sums on the ring of tests, and dies of the first `deaths` orders that it is given. */
const dyingThread = async (deaths: number): Promise<OpeningThread> => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-dying-'))
  const [log, file] = [join(folder, 'deaths'), join(folder, 'worker.ts')]
  writeFileSync(log, '')
  const here = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  writeFileSync(
    file,
    `import { appendFileSync, readFileSync } from 'node:fs'
     const { serveWork } = await import(${here('../../../shared/system/serve-work.ts')})
     const { OpeningWork } = await import(${here('../../../coordinator/aggregate/opening-work.ts')})
     const { createInsecureRing } = await import(${here('../../harness/insecure-ring.ts')})
     const open = async () => {
       const work = new OpeningWork(await createInsecureRing())
       return {
         open: (order) => {
           if (readFileSync(${JSON.stringify(log)}).length >= ${deaths}) return work.open(order)
           appendFileSync(${JSON.stringify(log)}, 'x')
           process.exit(1)
         },
       }
     }
     serveWork(open())`,
  )
  try {
    return await OpeningThread.open(new URL(`file://${file}`))
  } finally {
    // Read again where the thread starts again: removed when the test process ends.
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  }
}

it.each([
  [1, [1, 1]],
  [2, [2, 1]],
])('a thread that dies of %i orders while a sum is opened costs attempts %j', async (deaths, attempts) => {
  const spares = { marginals: 1, gradient: 2 }
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 1, spares })
  const { coordinator } = federation
  const thread = await dyingThread(deaths)
  coordinator.opening = thread
  try {
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed', attempts })
    expect(coordinator.opened.map(({ counts }) => counts)).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ])
    for (const site of federation.sites) expect(site.charged().size).toBe(attempts[0]! + attempts[1]!)
    await checkInvariants(federation)
  } finally {
    await thread.close()
  }
})
