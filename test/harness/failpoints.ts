/** What dying at a place means for the dead site's contribution to that attempt. */
export type Fate =
  /** Nothing of the attempt was durable: it deals again, for the first time as far as anybody knows. */
  | 'deals anew'
  /** Its one-time key is gone: it withdraws and is in no sum of that attempt. */
  | 'is lost'
  /** Its sealed bytes are stored or sent: it is in the sum. */
  | 'is counted'

/**
 * Every place of a round at which an agent can die, in the order in which it comes to them: before and after each durable write
 * and each send. "before" a send the egress journal has noted it; "inside": the file is on the disk, its row is not.
 */
export const siteFailpoints: Readonly<Record<string, Fate>> = {
  'before outbox.storeDeal': 'deals anew',
  'inside outbox.storeDeal': 'deals anew',
  'after outbox.storeDeal': 'is lost',
  'before egress.note deal': 'is lost',
  'before client.putDeal': 'is lost',
  'after client.putDeal': 'is lost',
  'before egress.note check': 'is lost',
  'before client.check': 'is lost',
  'after client.check': 'is lost',
  'before outbox.begin': 'is lost',
  'after outbox.begin': 'is lost',
  'before counters.nextOwn': 'is lost',
  'after counters.nextOwn': 'is lost',
  'before ledger.charge': 'is lost',
  'after ledger.charge': 'is lost',
  'before outbox.store': 'is lost',
  'inside outbox.store': 'is lost',
  'after outbox.store': 'is counted',
  'before egress.note contribution': 'is counted',
  'before client.contribute': 'is counted',
  'after client.contribute': 'is counted',
  'before outbox.acknowledge': 'is counted',
  'after outbox.acknowledge': 'is counted',
  'before answers.answer': 'is counted',
  'before counters.observe': 'is counted',
  'after counters.observe': 'is counted',
  'after answers.answer': 'is counted',
  'before egress.note answer': 'is counted',
  'before client.answer': 'is counted',
  'after client.answer': 'is counted',
}

/** Where an agent can die once its one-time key is gone: it was killed a first time in the same attempt. */
export const withdrawalFailpoints = [
  'before egress.note withdrawal',
  'before client.withdraw',
  'after client.withdraw',
] as const

/** Where an agent can die when the study is over. */
export const endFailpoints = [
  'before book.setState',
  'after book.setState',
  'before outbox.prune',
  'after outbox.prune',
] as const

/** What a charge has paid for although nothing was ever sent. */
export const chargedInVain: readonly string[] = ['after ledger.charge', 'before outbox.store', 'inside outbox.store']

/**
 * What the coordinator writes and sends, by the name of what becomes durable or leaves. It can die before and after each. Before a
 * write means: in its transaction, everything said and nothing committed. After a send: 20 ms later.
 */
export const coordinatorCrossings = [
  'approval stored',
  'box-keys stored',
  'run started',
  'round begun',
  'resumed',
  'weights written',
  'weights named',
  'deal task sent',
  'deal stored',
  'deal acknowledged',
  'checks due',
  'check task sent',
  'check stored',
  'check acknowledged',
  'sifting due',
  'deals sifted',
  'broadcast due',
  'broadcast sent',
  'weights sent',
  'boxes sent',
  'offer stored',
  'offer acknowledged',
  'part written',
  'contribution stored',
  'contribution acknowledged',
  'withdrawal stored',
  'withdrawal acknowledged',
  'contributors fixed',
  'contributors announced',
  'announcement sent',
  'answer stored',
  'answer acknowledged',
  'answers complete',
  'sum opened',
  'model written',
  'model adopted',
  'step advanced',
  'old files removed',
] as const

export const coordinatorFailpoints = coordinatorCrossings.flatMap((crossing) => [
  `before ${crossing}`,
  `after ${crossing}`,
])
