import type { LossOutcome } from './light-federation.ts'

/** Counts over many cases, to show that both ends and everything between were there. */
export class LossTally {
  cases = 0
  opened = 0
  gaveUp = 0
  attempts = 0
  openedWithoutSome = 0
  disputedDeals = 0
  withdrawals = 0
  coordinatorKills = 0
  readonly abortedIn: Record<string, number> = {}

  add({ opened, attempts, without, abortedIn, disputed, withdrew, kills }: LossOutcome): void {
    this.cases++
    this.attempts += attempts
    if (opened) this.opened++
    else this.gaveUp++
    if (without > 0) this.openedWithoutSome++
    this.disputedDeals += disputed
    this.withdrawals += withdrew
    this.coordinatorKills += kills
    for (const phase of abortedIn) this.abortedIn[phase] = (this.abortedIn[phase] ?? 0) + 1
  }
}
