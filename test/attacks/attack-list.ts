import { answerAttacks } from './answer-attacks.ts'
import type { Attack } from './attack.ts'
import { boxAttacks } from './box-attacks.ts'
import { collusionAttacks } from './collusion-attacks.ts'
import { frameAttacks } from './frame-attacks.ts'
import { insideAttacks } from './inside-attacks.ts'
import { replayAttacks } from './replay-attacks.ts'
import { rosterAttacks } from './roster-attacks.ts'
import { setAttacks } from './set-attacks.ts'
import { slotAttacks } from './slot-attacks.ts'

/** By what they turn against. */
export const attacksByKind: Readonly<Record<string, readonly Attack[]>> = {
  'who the sites are': rosterAttacks,
  'which sum is opened': setAttacks,
  'how many collude': collusionAttacks,
  'the same again': replayAttacks,
  'shares and their boxes': boxAttacks,
  'a site that deals or checks falsely': insideAttacks,
  'a site that answers falsely': answerAttacks,
  'bytes on the way': frameAttacks,
  'slots of a coefficient': slotAttacks,
}
