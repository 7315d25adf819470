import { printData } from '@tributary/shared/cli/output'
import { secretField } from '@tributary/shared/cli/private-file'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Command } from 'commander'
import { openFederation } from '../enrolment/federation-directory.ts'
import { type Quota, type Role, UserStore, usersPath, usualQuota } from '../users/user-store.ts'
import { coordinatorCommand, type CoordinatorOptions, groupExamples } from './common-options.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

const roleOf = (text: string): Role => {
  if (text === 'researcher' || text === 'operator') return text
  throw new CodedError('ARGUMENT_INVALID', 'a role is researcher or operator', { place: { field: '--role' } })
}

/** `rows=5000000`, `unfinished=5`, or both with a comma between. */
const quotaOf = (text: string, field: string): Partial<Quota> => {
  const parts = text.split(',').map((part) => /^(rows|unfinished)=(\d{1,15})$/.exec(part.trim()))
  const quota = Object.fromEntries(parts.map((part) => [part?.[1] ?? '', Number(part?.[2])]))
  if (parts.includes(null) || Object.keys(quota).length !== parts.length)
    throw new CodedError(
      'ARGUMENT_INVALID',
      'a quota is rows=NUMBER, unfinished=NUMBER, or both with a comma between',
      {
        place: { field },
      },
    )
  return quota
}

/** Nothing is made in a folder that `coordinator init` did not make. */
const withUsers = async (
  { dataDir }: CoordinatorOptions,
  clock: Clock,
  work: (users: UserStore) => void,
): Promise<void> => {
  await openFederation(dataDir, clock)
  const users = UserStore.open(usersPath(dataDir))
  try {
    work(users)
  } finally {
    users.close()
  }
}

/** `coordinator user add | ls | quota | rm | audit`, also while the coordinator runs. */
export const addUserCommands = (program: Command, { clock }: { readonly clock: Clock }): void => {
  const user = program
    .command('user')
    .description("who may call the researchers' API")
    .addHelpText(
      'after',
      groupExamples(
        'user add ada --data-dir /srv/tributary --token-file ada.token',
        'user ls --data-dir /srv/tributary',
        'user audit --limit 20 --data-dir /srv/tributary',
      ),
    )

  coordinatorCommand(
    user,
    'add <name>',
    'let someone call the API: a token, shown once',
    'user add ada --data-dir /srv/tributary',
  )
    .option('--role <role>', 'researcher, or operator, who sees every request', 'researcher')
    .option(
      '--quota <quota>',
      `rows kept or on their way, unfinished requests; rows=${usualQuota.rows},unfinished=${usualQuota.unfinished} unless given`,
    )
    .option('--token-file <file>', 'write the token there (mode 0600) instead of printing it')
    .option('--renew', 'a new token for a user who exists; the earlier one stops working')
    .action(
      (
        name: string,
        options: CoordinatorOptions & { role: string; tokenFile?: string; renew?: true; quota?: string },
      ) =>
        withUsers(options, clock, (users) => {
          const role = roleOf(options.role)
          const quota = options.quota === undefined ? {} : quotaOf(options.quota, '--quota')
          const token = options.renew ? users.renew(name, role) : users.add(name, role, clock.now())
          users.allow(name, quota)
          const next = `${name}: tributary login --server URL, with this token; it is not shown again`
          const secret = secretField('token', token, options.tokenFile)
          printData({ user: name, role, ...secret, next }, { json: options.json === true })
        }),
    )

  coordinatorCommand(user, 'ls', 'list the users', 'user ls --data-dir /srv/tributary').action(
    (options: CoordinatorOptions) =>
      withUsers(options, clock, (users) => {
        const rows = users.users().map(({ name, role, created, removed, quota }) => ({
          user: name,
          role,
          rows: quota.rows,
          unfinished: quota.unfinished,
          state: removed === undefined ? 'active' : 'removed',
          created: iso(created),
          removed: removed === undefined ? null : iso(removed),
        }))
        printData(rows, { json: options.json === true })
      }),
  )

  coordinatorCommand(
    user,
    'quota <name> <quota>',
    'change what a user may have at a time: rows=NUMBER, unfinished=NUMBER',
    'user quota ada rows=50000000,unfinished=5 --data-dir /srv/tributary',
  ).action((name: string, text: string, options: CoordinatorOptions) =>
    withUsers(options, clock, (users) => {
      users.allow(name, quotaOf(text, 'quota'))
      const quota = users.users().find((known) => known.name === name)?.quota
      printData({ user: name, ...quota }, { json: options.json === true })
    }),
  )

  coordinatorCommand(
    user,
    'rm <name>',
    "end a user's access from the next call on",
    'user rm ada --data-dir /srv/tributary',
  ).action((name: string, options: CoordinatorOptions) =>
    withUsers(options, clock, (users) => {
      users.remove(name, clock.now())
      printData({ user: name, state: 'removed' }, { json: options.json === true })
    }),
  )

  coordinatorCommand(
    user,
    'audit',
    'who made or downloaded what, the newest first',
    'user audit --data-dir /srv/tributary',
  )
    .option('--limit <number>', 'how many entries', '100')
    .action((options: CoordinatorOptions & { limit: string }) =>
      withUsers(options, clock, (users) => {
        const limit = Number(options.limit)
        if (!Number.isSafeInteger(limit) || limit < 1)
          throw new CodedError('ARGUMENT_INVALID', 'a whole number of at least 1', { place: { field: '--limit' } })
        const rows = users.audit(limit).map(({ time, ...entry }) => ({ time: iso(time), ...entry }))
        printData(rows, { json: options.json === true })
      }),
    )
}
