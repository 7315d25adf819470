import { renameSync, writeFileSync } from 'node:fs'
import { type PlanPrice, pricePlan } from '@tributary/shared/dp/plan'
import { printNotice } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { studyJsonSchema } from '@tributary/shared/study/json-schema'
import { levelsBeside } from '@tributary/shared/study/levels-file'
import { freezeStudy, manifestHash, parseManifest, parseStudy } from '@tributary/shared/study/manifest'
import { openingRule } from '@tributary/shared/study/opening-rule-text'
import { withPlan } from '@tributary/shared/study/plan-text'
import type { Manifest } from '@tributary/shared/study/study-schema'
import type { Command } from 'commander'
import { explainFamily } from '@tributary/shared/synthesizers/auto/explain-family'
import { oddsSentence, studyReport } from '@tributary/shared/study/study-report'
import { readStudy } from './study-file.ts'

/**
 * `study validate | plan | schema`. Data goes to the program's stdout (`configureOutput`); whatever is wrong is thrown as a
 * CodedError with every line named, for the caller to print. Adds to the program's `study` command where there is one.
 */
export const addStudyCommands = (program: Command): void => {
  const study =
    program.commands.find((command) => command.name() === 'study') ??
    program.command('study').description('write, check and price a study file')
  // `coordinator` and `tributary` share these commands: each names itself.
  const called = program.name()
  const examples = (...lines: string[]): string =>
    `\nExamples:\n${lines.map((line) => `  $ ${called} study ${line}`).join('\n')}`
  const write = (text: string) => program.configureOutput().writeOut?.(text)

  study
    .command('validate')
    .description('check a frozen study and print what it costs')
    .argument('<file>', 'study file with its plan')
    .option('--json', 'print one JSON envelope')
    .addHelpText('after', examples('validate study.yaml', 'validate study.yaml --json'))
    .action((file: string, options: { json?: true }) => {
      const manifest = parseManifest(readStudy(file), file, called, levelsBeside(file))
      const price = pricePlan(manifest)
      const hash = manifestHash(manifest)
      write(options.json ? envelope(dataOf(manifest, hash, price)) : studyReport(manifest, hash, price))
    })

  study
    .command('plan')
    .description('build the plan of a draft: noise, grid, slots, attempts')
    .argument('<file>', 'study file, with or without a plan')
    .option('--write', 'write the plan into the file, comments kept')
    .option('--out <file>', 'write the study with its plan to another file')
    .option('--json', 'print one JSON envelope')
    .addHelpText('after', examples('plan draft.yaml', 'plan draft.yaml --write', 'plan draft.yaml --out study.yaml'))
    .action((file: string, options: { write?: true; out?: string; json?: true }) => {
      if (options.write && options.out !== undefined)
        throw new CodedError('ARGUMENT_INVALID', '--write and --out exclude each other')
      const text = readStudy(file)
      const manifest = freezeStudy(parseStudy(text, file, 'drop', levelsBeside(file)).draft)
      const { plan } = manifest
      const planned = withPlan(text, plan)
      const target = options.write ? file : options.out
      if (target !== undefined) replaceFile(target, planned)
      const next = `${called} study validate ${target ?? 'FILE'}`
      const family = explainFamily(manifest)
      // Where the study itself goes to stdout, the words go beside it.
      if (target === undefined && !options.json) printNotice(family.join('\n'))
      if (options.json) write(envelope({ family, plan, written: target ?? null, next }))
      else write(target === undefined ? planned : `${[...family, `planned: ${target}`, `next: ${next}`].join('\n')}\n`)
    })

  study
    .command('schema')
    .description('print the JSON Schema of study files')
    .addHelpText('after', examples('schema > study.schema.json'))
    .action(() => write(studyJsonSchema()))
}

const envelope = (data: unknown): string => `${JSON.stringify({ schema_version: 1, status: 'ok', data })}\n`

const dataOf = (manifest: Manifest, hash: string, price: PlanPrice) => ({
  name: manifest.name,
  manifest: hash,
  family: explainFamily(manifest),
  odds: { public: oddsSentence(price.epsilon.public.epsilon), peer: oddsSentence(price.epsilon.peer.epsilon) },
  opening: openingRule(manifest.federation.colluders, price.contributors),
  price,
  plan: manifest.plan,
})

/** Whole or not at all: a crash leaves the old study. */
const replaceFile = (file: string, text: string): void => {
  const fresh = `${file}.new`
  try {
    writeFileSync(fresh, text)
    renameSync(fresh, file)
  } catch (cause) {
    throw new CodedError('ARGUMENT_INVALID', `${file} cannot be written`, { place: { file }, cause })
  }
}
