import type { CatchingTest, Mutant } from './mutant.ts'

const policy = (file: string, name: string): CatchingTest => ({ file: `test/unit/policy/${file}.test.ts`, name })

/** Mistakes in what a site refuses, and in the order in which it writes and sends. */
export const roundMutants: readonly Mutant[] = [
  {
    name: 'a set without what this site contributed, which was taken',
    edits: [
      {
        file: 'site-agent/policy/announced-set.ts',
        find: 'if (own.isAcknowledged) refuseRound',
        replace: 'if (own.isAcknowledged && listed !== undefined) refuseRound',
      },
    ],
    caughtBy: policy(
      'own-contribution',
      'own contribution missing from the announced set > is refused once the coordinator has taken it, and burns nothing; restarted between: true',
    ),
  },
  {
    name: 'what the coordinator took is not noted',
    edits: [
      {
        file: 'site-agent/update/outbox.ts',
        find: 'SET acknowledged = 1 WHERE',
        replace: 'SET acknowledged = 0 WHERE',
      },
    ],
    caughtBy: policy(
      'own-contribution',
      'own contribution missing from the announced set > is refused once the coordinator has taken it, and burns nothing; restarted between: false',
    ),
  },
  {
    name: 'an answer before its set is on record',
    edits: [
      {
        file: 'site-agent/policy/answer-log.ts',
        find: `    this.#store.run(
      'INSERT OR IGNORE`,
        replace: `    const early = this.kept(request) === undefined ? make() : new Uint8Array()
    make = () => early
    this.#store.run(
      'INSERT OR IGNORE`,
      },
    ],
    caughtBy: {
      file: 'site-agent/policy/answer-log.test.ts',
      name: 'R4 answers: a crash before the bytes exist binds the attempt to its announcement all the same',
    },
  },
  {
    name: 'a removed site among the dealers',
    edits: [
      {
        file: 'site-agent/policy/round-guard.ts',
        find: 'sites.filter((site) => removed.includes(site))',
        replace: 'sites.filter((site) => removed.includes(site) && site === approved.me)',
      },
    ],
    caughtBy: policy(
      'removed-site',
      'a site that the admin removed, with a coordinator that goes on with it (R1) > nobody who knew it when dealing contributes with it, or answers for it, also after a restart',
    ),
  },
  {
    name: 'box keys that outlive their epoch',
    edits: [
      {
        file: 'site-agent/update/dealing.ts',
        find: 'ring.eraseBefore(study, firstEpochNeeded(step))',
        replace: 'ring.eraseBefore(study, firstEpochNeeded(0 * step))',
      },
    ],
    caughtBy: policy(
      'epoch-over',
      'an epoch that is over (forward secrecy of the boxes) > epoch expired: nothing is dealt, checked or answered for it any more, also after a restart',
    ),
  },
  {
    name: 'a dealer blamed for a box that the coordinator swapped',
    edits: [
      {
        file: 'site-agent/update/checking.ts',
        find: 'refuseOtherBox(opened, box, approved.me)',
        replace: 'void [opened, box, refuseOtherBox]',
      },
    ],
    caughtBy: policy(
      'bad-dealer',
      'a box of birch for cedar that the coordinator tampered with (R24) > box missing: cedar blames nobody, contributes, and does not answer for a set with birch',
    ),
  },
  {
    name: 'a deal opened without the promise never to seal',
    edits: [
      {
        file: 'site-agent/update/disputing.ts',
        find: '    outbox.disclaim(round)\n',
        replace: '',
      },
    ],
    caughtBy: policy(
      'disputed-deal',
      'a dealer that is asked to open its deal (R24) > opens it while nothing was begun, says the same again, and never seals under it, also after a restart',
    ),
  },
  {
    name: 'a promise about a deal whose key is gone',
    edits: [
      {
        file: 'site-agent/update/disputing.ts',
        find: 'dealt === undefined || !this.#attempts.isOpen(round)',
        replace: 'dealt === undefined',
      },
    ],
    caughtBy: policy(
      'disputed-deal',
      'a dealer that is asked to open its deal (R24) > that lost its key promises nothing: no mark on its disk for a deal that it cannot open',
    ),
  },
  {
    name: 'a removed site announced to a holder that did not deal',
    edits: [
      {
        file: 'site-agent/update/answering.ts',
        find: 'outbox.noteRemoved(round, await removedSites(this.#parts, approved))',
        replace: 'await removedSites(this.#parts, approved)',
      },
    ],
    caughtBy: policy(
      'removed-site',
      'a holder that did not deal in the attempt (R1) > answers for no set with a site that it knows as removed when the set is announced, also after a restart',
    ),
  },
  {
    name: 'a set bound before its counters are looked at',
    edits: [
      {
        file: 'site-agent/update/answering.ts',
        find: '    counters.refuseBackward(...peerCounters)\n',
        replace: '',
      },
    ],
    caughtBy: policy(
      'announcement-refused',
      'a peer whose counter went back (R4) > a set with it burns nothing: the honest set of the same attempt is still answered; restarted between: false',
    ),
  },
  {
    name: 'fewer peers where the coordinator says that fewer dealt',
    edits: [
      {
        file: 'site-agent/update/received-deals.ts',
        find: 'deals.some(({ opened }) => opened.dealer === site)).length',
        replace: 'deals.some(({ opened }) => opened.dealer === site) || deals.length > 16).length',
      },
    ],
    caughtBy: {
      file: 'site-agent/update/received-deals.test.ts',
      name: 'R4 peers whose deals a site must have read > R4 deals of sites that hold no shares do not count, whoever dealt',
    },
  },
  {
    name: 'a roster of another federation is noted',
    edits: [
      {
        file: 'site-agent/policy/site-book.ts',
        find: 'pinned !== undefined && pinned.federation !== federation',
        replace: 'pinned === undefined && federation === ""',
      },
    ],
    caughtBy: {
      file: 'site-agent/policy/roster-watch.test.ts',
      name: 'R1 everything else waits for the officer > R1 a roster of another federation of the same admin is refused, and nothing of it is kept',
    },
  },
  {
    name: 'box keys that outlive their epoch where a holder deals no more',
    edits: [
      {
        file: 'site-agent/update/checking.ts',
        find: 'firstEpochNeeded(fields.step)',
        replace: 'firstEpochNeeded(0 * fields.step)',
      },
    ],
    caughtBy: policy(
      'epoch-over',
      'a holder that deals no more > erases the box keys of epochs that are over when it checks',
    ),
  },
  {
    name: 'a box key shown for an opening that anybody signed',
    edits: [
      {
        file: 'site-agent/update/disputing.ts',
        find: 'memberOf(approved.roster, dealer)',
        replace: '{ name: dealer, publicKey: approved.roster.coordinator }',
      },
    ],
    caughtBy: policy(
      'disputed-deal',
      "a holder that is asked for the key of its box (R24) > shows nothing without the dealer's own signature: not for the coordinator, nor for another site",
    ),
  },
  {
    name: 'a check of a study that the officer has paused',
    edits: [
      {
        file: 'site-agent/update/checking.ts',
        find: "this.#attempts.refuseUnapproved()\n    const message = this.#attempts.sign('check'",
        replace: "const message = this.#attempts.sign('check'",
      },
      {
        file: 'site-agent/update/checking.ts',
        find: 'client.check(message, this.#attempts.refuseUnapproved)',
        replace: 'client.check(message)',
      },
    ],
    caughtBy: policy(
      'paused-site',
      'a site whose officer pauses the study, and its check (R6) > does not where that is just before it sends',
    ),
  },
]
