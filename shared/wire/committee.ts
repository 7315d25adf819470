/** Up to so many sites everyone holds shares of every one-time key; beyond, a committee of the roster does (R7). */
export const mostSitesWithoutCommittee = 20

/** How many share holders a committee may have. */
export const committeeSizes = { least: 12, most: 16 } as const
