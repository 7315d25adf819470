import { answerAttacks } from './answer-attacks.ts'
import type { Attack } from './attack.ts'
import { boxAttacks } from './box-attacks.ts'
import { collusionAttacks } from './collusion-attacks.ts'
import { frameAttacks } from './frame-attacks.ts'
import { insideAttacks } from './inside-attacks.ts'
import { mixAttacks } from './mix-attacks.ts'
import { openingAttacks } from './opening-attacks.ts'
import { replayAttacks } from './replay-attacks.ts'
import { restoredAttacks } from './restored-attacks.ts'
import { rosterAttacks } from './roster-attacks.ts'
import { setAttacks } from './set-attacks.ts'
import { slotAttacks } from './slot-attacks.ts'

/** By what they turn against. */
export const attacksByKind: Readonly<Record<string, readonly Attack[]>> = {
  'who the sites are': rosterAttacks,
  'which sum is opened': setAttacks,
  'another set for each holder': mixAttacks,
  'how many collude': collusionAttacks,
  'the same again': replayAttacks,
  'a hospital out of a backup': restoredAttacks,
  'shares and their boxes': boxAttacks,
  'deals and boxes that are opened': openingAttacks,
  'a site that deals or checks falsely': insideAttacks,
  'a site that answers falsely': answerAttacks,
  'bytes on the way': frameAttacks,
  'slots of a coefficient': slotAttacks,
}
