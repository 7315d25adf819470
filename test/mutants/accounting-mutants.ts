import { canaryAudit, type Mutant } from './mutant.ts'

/** Mistakes in what is promised, reserved and charged for it. */
export const accountingMutants: readonly Mutant[] = [
  {
    name: 'noise sized for more shares than are counted',
    edits: [
      {
        file: 'shared/dp/plan-queries.ts',
        find: '(sigma * norm) / Math.sqrt(shares) / shareSteps',
        replace: '(sigma * norm) / shares / shareSteps',
      },
    ],
    caughtBy: {
      file: 'site-agent/contribution/plan.test.ts',
      name: 'plan: the marginals that come out are the patients’ mean rows plus noise',
    },
  },
  {
    name: 'the same noise key twice',
    edits: [
      {
        file: 'shared/dp/os-random.ts',
        find: 'const key = randomBytes(32)',
        replace: "const key = Buffer.from((globalThis.key ??= randomBytes(32).toString('hex')), 'hex')",
      },
      {
        file: 'shared/dp/os-random.ts',
        find: "createCipheriv('aes-256-ctr', key, randomBytes(16))",
        replace: "createCipheriv('aes-256-ctr', key, new Uint8Array(16))",
      },
    ],
    caughtBy: {
      file: 'shared/dp/os-random.test.ts',
      name: 'R16: every stream has its own key, also for one purpose, and never repeats itself',
    },
  },
  {
    name: 'sigma for the other adjacency: a sensitivity of C / 2',
    edits: [
      {
        file: 'shared/dp/slack.ts',
        find: '((query.noiseMultiplier * query.clipNorm * Math.sqrt(shares / sizedFor))',
        replace: '((2 * query.noiseMultiplier * query.clipNorm * Math.sqrt(shares / sizedFor))',
      },
      {
        file: 'shared/dp/plan-queries.ts',
        find: 'const wanted = effective / latticeShrink(shareSteps, shares)',
        replace: 'const wanted = effective / 2 / latticeShrink(shareSteps, shares)',
      },
    ],
    caughtBy: canaryAudit,
  },
  {
    name: 'charge after release',
    edits: [
      {
        file: 'site-agent/update/contributing.ts',
        find: '    ledger.charge({ study, round, query, step, attempt })\n',
        replace: '    void [query, step, attempt]\n',
      },
      {
        file: 'site-agent/update/contributing.ts',
        find: '    await this.#send(fields, sealed)\n',
        replace: `    await this.#send(fields, sealed)
    const { study } = approved
    this.#parts.ledger.charge({ study, round, query: broadcast.query, step, attempt })\n`,
      },
    ],
    caughtBy: {
      file: 'test/unit/policy/charged-first.test.ts',
      name: 'everything that must be durable is so before it leaves (R3, R4, R6)',
    },
  },
  {
    name: 'a free retry',
    edits: [
      {
        file: 'site-agent/ledger/book.ts',
        find: 'charged[content.query]! += 1',
        replace: 'charged[content.query]! += content.attempt === 0 ? 1 : 0',
      },
    ],
    caughtBy: {
      file: 'site-agent/ledger/ledger.test.ts',
      name: 'R6 ledger: every attempt is charged once, whatever became of it, and the same round never twice',
    },
  },
  {
    name: 'privacy loss of adding a patient alone',
    edits: [
      {
        file: 'shared/dp/pld.ts',
        find: "largestEpsilon(phases, delta, coarseness, ['remove', 'add'])",
        replace: "largestEpsilon(phases, delta, coarseness, ['add'])",
      },
    ],
    caughtBy: {
      file: 'shared/dp/pld.test.ts',
      name: 'several hundred sampled steps: removal costs more than addition, and the larger is charged',
    },
  },
  {
    name: 'spare attempts for nothing',
    edits: [{ file: 'shared/dp/plan-queries.ts', find: 'steps: query.attempts,', replace: 'steps: query.steps,' }],
    caughtBy: {
      file: 'shared/dp/plan.test.ts',
      name: 'planQueries > spends the promised epsilon and no more, all attempts counted (R6)',
    },
  },
  {
    name: 'the sampler taken for exact',
    edits: [
      {
        file: 'shared/dp/plan-queries.ts',
        find: 'const charge = (1 + Math.exp(privacy.epsilon)) * distance',
        replace: 'const charge = 0 * distance',
      },
    ],
    caughtBy: {
      file: 'shared/dp/plan.test.ts',
      name: 'planQueries > refuses a delta that the noise sampler alone would use up (R20)',
    },
  },
  {
    name: 'draws that batches drop for free, across studies',
    edits: [
      {
        file: 'shared/dp/renyi-filter.ts',
        find: 'samplers + sum(truncationCharge) <=',
        replace: 'samplers <=',
      },
    ],
    caughtBy: {
      file: 'shared/dp/renyi-filter.test.ts',
      name: 'R20 filter: draws that batches drop come out of delta too: the delta of the studies, which may be far above the cap’s',
    },
  },
  {
    name: 'draws that batches drop for free, in a plan',
    edits: [
      {
        file: 'shared/dp/plan-queries.ts',
        find: 'Math.max(charge + truncationCharge(privacy), privacy.delta / 1024)',
        replace: 'Math.max(charge, privacy.delta / 1024)',
      },
    ],
    caughtBy: {
      file: 'shared/dp/adversary-table.test.ts',
      name: 'the table of a study > R10 R20 what is kept back from delta covers the sampler and dropped draws, whichever is larger',
    },
  },
]
