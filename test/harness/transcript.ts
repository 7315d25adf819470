import { spawn } from 'node:child_process'

/**
 * Transcripts in documents, run as they are printed. A ```console block holds commands behind "$ " and what they print; in what
 * is printed, `…` stands for anything within a line, a line of `…` for any lines, and `<name>` for a value, which later commands
 * and lines may name again. `[exit 6]` ends the output of a command that must fail. An HTML comment `<!-- run ... -->` holds
 * commands that the reader need not see.
 */
export interface TranscriptStep {
  readonly command: string
  readonly expected: readonly string[]
  readonly exit: number
  /** Line of the document, from 1. */
  readonly line: number
  readonly isShown: boolean
}

const exitLine = /^\[exit (\d+)\]$/

export const transcriptSteps = (document: string): TranscriptStep[] => {
  const steps: { command: string; expected: string[]; exit: number; line: number; isShown: boolean }[] = []
  let mode: 'text' | 'console' | 'hidden' = 'text'
  document.split('\n').forEach((text, index) => {
    const line = index + 1
    const last = steps.at(-1)
    if (mode === 'text') {
      if (text === '```console') mode = 'console'
      else if (text.startsWith('<!-- run')) mode = 'hidden'
    } else if (text === '```' || text === '-->') mode = 'text'
    else if (mode === 'hidden') steps.push({ command: text, expected: ['…'], exit: 0, line, isShown: false })
    else if (text.startsWith('$ ')) steps.push({ command: text.slice(2), expected: [], exit: 0, line, isShown: true })
    else if (last?.command.endsWith('\\') && last.expected.length === 0) last.command += `\n${text}`
    else if (last === undefined) throw new Error(`line ${line}: output before any command`)
    else {
      const exit = exitLine.exec(text)
      if (exit) last.exit = Number(exit[1])
      else last.expected.push(text)
    }
  })
  return steps
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
const squeezed = (text: string): string => text.replaceAll(/[ \t]+/g, ' ').trim()

/** Names seen so far are filled in; new ones become groups. */
const patternOf = (expected: readonly string[], known: ReadonlyMap<string, string>): RegExp => {
  const fresh = new Set<string>()
  const lines = expected.map((line) => {
    if (line.trim() === '…') return '(?:.*\n)*?'
    const parts = squeezed(line).split(/(…|<[a-z_0-9]+>)/)
    const pattern = parts.map((part) => {
      if (part === '…') return '.*?'
      const name = /^<([a-z_0-9]+)>$/.exec(part)?.[1]
      if (name === undefined) return escaped(part)
      const value = known.get(name)
      if (value !== undefined) return escaped(value)
      if (fresh.has(name)) return String.raw`\k<${name}>`
      fresh.add(name)
      return String.raw`(?<${name}>[^\n]+?)`
    })
    return `${pattern.join('')}\n`
  })
  return new RegExp(`^${lines.join('')}$`)
}

export interface StepResult {
  readonly step: TranscriptStep
  readonly command: string
  readonly output: string
  readonly exit: number
  readonly fits: boolean
  readonly seconds: number
}

/** Runs the steps in one shell in `folder`, stopping at the first that does not fit; yields each as it ends. */
export async function* playTranscript(
  steps: readonly TranscriptStep[],
  options: { readonly folder: string; readonly env: NodeJS.ProcessEnv },
): AsyncGenerator<StepResult> {
  const shell = spawn('bash', ['--norc', '--noprofile'], {
    cwd: options.folder,
    env: { ...process.env, ...options.env, NO_COLOR: '1', COLUMNS: '120' },
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const known = new Map<string, string>()
  let heard = ''
  let wake = () => {}
  shell.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString()
    wake()
  })
  shell.on('close', () => wake())
  shell.stdin.write('exec 2>&1\n')
  try {
    for (const [index, step] of steps.entries()) {
      const command = step.command.replaceAll(/<([a-z_0-9]+)>/g, (whole, name: string) => known.get(name) ?? whole)
      const mark = `@@${index}@@`
      const began = performance.now()
      heard = ''
      shell.stdin.write(`${command}\nprintf '\\n${mark}%s\\n' "$?"\n`)
      const ending = new RegExp(`\n${mark}(\\d+)\n`)
      while (!ending.test(heard)) {
        if (shell.exitCode !== null) throw new Error(`the shell ended at line ${step.line}`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const end = ending.exec(heard)
      const output = heard.slice(0, end?.index ?? 0).replace(/\n$/, '')
      const exit = Number(end?.[1])
      const lines = output === '' ? '' : `${output.split('\n').map(squeezed).join('\n')}\n`
      const match = patternOf(step.expected, known).exec(lines)
      for (const [name, value] of Object.entries(match?.groups ?? {})) known.set(name, value)
      const fits = match !== null && exit === step.exit
      yield { step, command, output, exit, fits, seconds: (performance.now() - began) / 1000 }
      if (!fits) return
    }
  } finally {
    // With everything that was left in the background.
    if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL')
  }
}
