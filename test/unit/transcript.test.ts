import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { playTranscript, type StepResult, transcriptSteps } from '../harness/transcript.ts'

const document = `# Title
\`\`\`console
$ echo "id: 4f2a"; echo other words here
id: <id>
other … here
$ echo <id> again
<id> again
$ printf 'a\\nb\\nc\\n'; exit_with() { return 3; }; exit_with
a
…
[exit 3]
\`\`\`
<!-- run
X=5
-->
\`\`\`console
$ echo $X \\
  and more
5 and more
\`\`\`
`

const played = async (text: string): Promise<StepResult[]> => {
  const results: StepResult[] = []
  for await (const result of playTranscript(transcriptSteps(text), { folder: tmpdir(), env: {} })) results.push(result)
  return results
}

it('a transcript that is true fits, with names carried on, hidden commands and failures that are meant', async () => {
  const results = await played(document)
  expect(results.map(({ fits, exit }) => [fits, exit])).toEqual([
    [true, 0],
    [true, 0],
    [true, 3],
    [true, 0],
    [true, 0],
  ])
  expect(results[1]?.command).toBe('echo 4f2a again')
})

it.each([
  ['another word', document.replace('other … here', 'other … there')],
  ['a line too many', document.replace('5 and more\n```', '5 and more\nand a line\n```')],
  ['a line too few', document.replace('other … here\n', '')],
  ['another exit code', document.replace('[exit 3]', '[exit 4]')],
  ['a name that stands for two values', document.replace('$ echo <id> again', '$ echo 77 again')],
])('%s does not fit, and nothing after it is run', async (_, text) => {
  const results = await played(text)
  expect(results.at(-1)?.fits).toBe(false)
  expect(results.slice(0, -1).every(({ fits }) => fits)).toBe(true)
})
