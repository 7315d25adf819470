/** Everything a pure module may ask of the outside world. Adapters live at the edges; tests bring their own. */

export interface Clock {
  /** Milliseconds since 1970-01-01 UTC. */
  now(): number
  /** Resolves after `ms`, or at once when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/**
 * A stream of secret bits. `fill` writes uniform random bytes; in production every instance is keyed anew by the operating
 * system and is never seeded, persisted or rewound (R16).
 */
export interface RandomSource {
  fill(bytes: Uint8Array): void
}

/** Opens one independent stream per purpose, so that one consumer cannot shift another's draws. */
export type RandomPurpose = 'sampling' | 'record' | 'rounding' | 'noise' | 'key' | 'share' | 'error'
export type RandomStreams = (purpose: RandomPurpose) => RandomSource
