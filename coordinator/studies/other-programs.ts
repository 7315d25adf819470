import { HintedError } from '@tributary/shared/cli/hinted-error'
import type { Command } from 'commander'

const show =
  'A study author: `tributary study validate FILE`. The operator: `coordinator study show STUDY`. A hospital: `site-agent study show STUDY`. A researcher: `tributary catalog GENERATOR`.'
const operator = (command: string) => `This is the operator's: \`coordinator study ${command}\`.`
const hospital = (command: string) => `This is a hospital's: \`site-agent study ${command} STUDY\`.`

const places: Record<string, string> = {
  show,
  ls: 'The operator: `coordinator study ls`. A hospital: `site-agent study ls`. A researcher: `tributary catalog`.',
  publish: operator('publish FILE'),
  stop: operator('stop STUDY --reason TEXT'),
  disputes: operator('disputes STUDY'),
  judge: 'Anybody who was sent an evidence folder: `coordinator study judge FOLDER`.',
  approve: hospital('approve'),
  pause: hospital('pause'),
  resume: hospital('resume'),
  revoke: hospital('revoke'),
}

/** `study` commands of the other programs, unlisted: typed here they are refused, with who has them. Throws `ARGUMENT_INVALID`. */
export const pointToOtherPrograms = (program: Command): void => {
  const study = program.commands.find((command) => command.name() === 'study')
  for (const [name, where] of Object.entries(places))
    study
      ?.command(name, { hidden: true })
      .helpOption(false)
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new HintedError('ARGUMENT_INVALID', `${program.name()} study has no command ${name}`, where)
      })
}
