import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { root } from '../harness/sources.ts'
import { playTranscript, transcriptSteps } from '../harness/transcript.ts'

/* The documents that show how to begin: every command runs as printed, and prints what the document says. */
const folder = mkdtempSync(join(tmpdir(), 'tributary-transcript-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('docs/first-ten-minutes.md', async () => {
  const steps = transcriptSteps(readFileSync(join(root, 'docs/first-ten-minutes.md'), 'utf8'))
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
