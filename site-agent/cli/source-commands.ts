import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Command } from 'commander'
import { refuseMarked } from '../table/synthetic-mark.ts'
import { openSite, siteCommand, type SiteOptions } from './common-options.ts'

interface AddOptions extends SiteOptions {
  readonly path: string
  readonly header?: boolean
  readonly delimiter?: string
  readonly missing?: readonly string[]
}

/**
 * `site-agent source add | ls | rm`. Synthetic rows are refused at once; whether a file fits a study is checked when the study is
 * approved.
 */
export const addSourceCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  const source = program.command('source').description('the tables of this hospital')

  siteCommand(
    source,
    'add <name>',
    'name a CSV or .csv.gz file of this hospital',
    'source add admissions --data-dir /srv/site-agent --path /data/admissions.csv.gz',
  )
    .requiredOption('--path <file>', 'CSV, or CSV compressed by gzip; UTF-8')
    .option('--header', 'the first line names the columns, whatever the study says')
    .option('--no-header', 'the file has no header line, whatever the study says')
    .option('--delimiter <character>', 'what separates fields, whatever the study says')
    .option('--missing <text...>', 'texts that mean missing, instead of those of the study')
    .action(async (name: string, options: AddOptions) => {
      const path = resolve(process.env.INIT_CWD ?? process.cwd(), options.path)
      if (!existsSync(path)) throw new CodedError('SOURCE_MISSING', 'there is no such file', { place: { file: path } })
      if (options.delimiter !== undefined && options.delimiter.length !== 1)
        throw new CodedError('ARGUMENT_INVALID', 'a delimiter is one character', { place: { field: '--delimiter' } })
      await refuseMarked(path)
      const overrides = {
        ...(options.header !== undefined && { header: options.header }),
        ...(options.delimiter !== undefined && { delimiter: options.delimiter }),
        ...(options.missing !== undefined && { missing: options.missing }),
      }
      const book = openSite(options, ports.clock).openBook()
      try {
        book.addSource({ name, path, overrides })
      } finally {
        book.close()
      }
      printData({ name, path, ...overrides }, { json: options.json === true })
    })

  siteCommand(source, 'ls', 'list the tables', 'source ls --data-dir /srv/site-agent').action(
    (options: SiteOptions) => {
      const book = openSite(options, ports.clock).openBook()
      try {
        const rows = book.sources().map(({ name, path, overrides }) => ({ name, path, ...overrides }))
        printData(rows, { json: options.json === true })
      } finally {
        book.close()
      }
    },
  )

  siteCommand(
    source,
    'rm <name>',
    'forget a table; the file stays',
    'source rm admissions --data-dir /srv/site-agent',
  ).action((name: string, options: SiteOptions) => {
    const book = openSite(options, ports.clock).openBook()
    try {
      book.removeSource(name)
    } finally {
      book.close()
    }
    printData({ name, removed: true }, { json: options.json === true })
  })
}
