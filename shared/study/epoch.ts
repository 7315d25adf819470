import { count } from '../units.ts'

/*
 * Share boxes are sealed to keys of an epoch: a run of steps of one study. A holder erases an epoch's private keys once its
 * steps are over, so what is stolen from it later opens no earlier box.
 */

/** Steps that share one pair of box keys; public and the same for every study. */
export const stepsPerEpoch = 32

/** The epoch of a step, both from 0. Throws `UNIT_OUT_OF_RANGE`. */
export const epochOf = (step: number): number => Math.floor(count('step', step) / stepsPerEpoch)

/**
 * The first epoch that a site at `step` may still need: every earlier one ended before the step before, whose sum may still be
 * answered for.
 */
export const firstEpochNeeded = (step: number): number => epochOf(Math.max(0, count('step', step) - 1))
