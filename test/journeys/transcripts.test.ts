import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { root } from '../harness/sources.ts'
import { playTranscript, transcriptSteps } from '../harness/transcript.ts'

/* The documents that show how to begin: every command runs as printed, and prints what the document says. */
const folder = mkdtempSync(join(tmpdir(), 'tributary-transcript-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A port that nobody listens on now, in place of the one that a document names. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

it('docs/first-ten-minutes.md', async () => {
  const text = readFileSync(join(root, 'docs/first-ten-minutes.md'), 'utf8')
  const ports = { sites: String(await freePort()), researchers: String(await freePort()) }
  const steps = transcriptSteps(text.replaceAll('7443', ports.sites).replaceAll('7480', ports.researchers))
  expect(steps.filter(({ isShown }) => isShown).length).toBeGreaterThan(20)
  const env = { REPOSITORY: root, TRIBUTARY_HOME: join(folder, 'home'), INIT_CWD: folder }
  let played = 0
  for await (const { step, command, output, exit, fits } of playTranscript(steps, { folder, env })) {
    if (!fits)
      throw new Error(
        `docs/first-ten-minutes.md:${step.line}: exit ${exit}, wanted ${step.exit}\n$ ${command}\n${output}\n-- wanted --\n${step.expected.join('\n')}`,
      )
    played++
  }
  expect(played).toBe(steps.length)
})
