/**
 * Share of patients that no study with an evaluation trains on, the same for all studies: a patient is held out where the keyed
 * hash of their own key falls below it (site-agent/records/holdout), once and for ever.
 */
export const heldOutShare = 0.1
