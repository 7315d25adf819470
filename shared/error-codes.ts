/**
 * Every error a Tributary program can show, with one sentence that says what to do. Closed: adding a code is a change here.
 * `class` decides the gRPC status, HTTP status and exit code (see errors.ts).
 */
// biome-ignore format: a table, one code a line
export const errorCodes = {
  ARGUMENT_INVALID: { class: 'argument', help: 'Read the --help of this command and correct the argument.' },
  CONFIG_INVALID: { class: 'argument', help: 'Correct the configuration at the place named.' },
  NODE_TOO_OLD: { class: 'argument', help: 'Run under Node 24.15 or newer; `npm ci` brings one as node_modules/.bin/node.' },
  UNIT_OUT_OF_RANGE: { class: 'argument', help: 'Use a finite value inside the range named.' },
  ID_MALFORMED: { class: 'argument', help: 'Copy the identifier as it was printed.' },
  NOT_FOUND: { class: 'refused', help: 'List what exists and check the name.' },
  ALREADY_EXISTS: { class: 'refused', help: 'Choose another name, or remove the existing one first.' },
  STATE_CORRUPT: { class: 'refused', help: 'Stop, keep the data directory as it is, and restore from a backup.' },
  STORE_LOCKED: { class: 'refused', help: 'Another process uses this data directory; stop it first.' },
  DISK_FULL: { class: 'refused', help: 'Free disk space; nothing was half-written.' },
  UNAVAILABLE: { class: 'connection', help: 'Check the address, the network and that the coordinator is up; the agent retries by itself.' },
  TLS_REFUSED: { class: 'connection', help: 'Check the CA fingerprint and the certificate dates.' },
  CERTIFICATE_REQUIRED: { class: 'unauthenticated', help: 'Enrol first: only Enrol works without a client certificate.' },
  CERTIFICATE_REVOKED: { class: 'unauthenticated', help: 'This site was revoked; ask the operator for a new invitation.' },
  TOKEN_REFUSED: { class: 'unauthenticated', help: 'Ask the operator for a fresh invitation: tokens work once and expire.' },
  LOGIN_REFUSED: { class: 'unauthenticated', help: 'Log in with a token that the operator made with `coordinator user add`.' },
  TOO_MANY_REQUESTS: { class: 'refused', help: 'Wait until earlier ones are over, then try again.' },
  IDEMPOTENCY_KEY_REUSED: { class: 'refused', help: 'Use a new key for a new request; the same key is for the same request alone.' },
  BODY_TOO_LARGE: { class: 'argument', help: 'Send a shorter body.' },
  MEDIA_TYPE_UNSUPPORTED: { class: 'argument', help: 'Send the body as application/json.' },
  DEADLINE_PASSED: { class: 'timeout', help: 'Try again; raise the deadline if the other side is slow.' },
  PROTOCOL_UNSUPPORTED: { class: 'refused', help: 'Upgrade the older side; both versions are named.' },
  CANONICAL_INVALID: { class: 'refused', help: 'The sender does not follow the canonical encoding; report it.' },
  SIGNATURE_INVALID: { class: 'refused', help: 'The message was not signed by the key in the roster; report it.' },
  FRAME_INVALID: { class: 'refused', help: 'The frame was damaged or forged; the sender must send its stored bytes again.' },
  BOX_INVALID: { class: 'refused', help: 'A share box does not open; the round will be aborted and its dealer named.' },
  MANIFEST_INVALID: { class: 'argument', help: 'Correct the study file at the line named.' },
  PLAN_REFUSED: { class: 'policy', help: 'Change the plan at the line named: as it stands it does not keep its promise.' },
  TABLE_INVALID: { class: 'refused', help: 'Correct the file at the place named, or the source block that describes it.' },
  SOURCE_MISSING: { class: 'refused', help: 'Add the source with `site-agent source add` and check its path.' },
  ROSTER_REFUSED: { class: 'policy', help: 'Compare the fingerprints with the other hospitals out of band before confirming.' },
  APPROVAL_REFUSED: { class: 'policy', help: 'Run `site-agent study show` and confirm the hash that it prints.' },
  BUDGET_EXCEEDED: { class: 'policy', help: 'Ask for a smaller epsilon, or have the officer raise the cap.' },
  LEDGER_REFUSED: { class: 'policy', help: 'Run `site-agent budget verify`; nothing is released until the ledger is sound.' },
  LEDGER_BROKEN: { class: 'policy', help: 'Nothing is released any more; keep the file, tell the consortium, never put an older copy in its place.' },
  ANSWER_REFUSED: { class: 'policy', help: 'This site already answered, or the request breaks a rule of the round; nothing was revealed.' },
  COUNTER_REFUSED: { class: 'policy', help: 'That hospital was restored from a backup or cloned; it must enrol again before it counts.' },
  VOLATILE_LOST: { class: 'policy', help: 'Enrol again in a new data directory: under a new name, or after the roster dropped this site.' },
  ROUND_REFUSED: { class: 'policy', help: 'The round differs from the approved plan; report it to the consortium.' },
  ROUND_ABORTED: { class: 'refused', help: 'The next attempt starts by itself with fresh keys and noise.' },
  AGGREGATE_INVALID: { class: 'refused', help: 'The replies do not open the sum; the round is aborted.' },
  ATTEMPTS_EXHAUSTED: { class: 'policy', help: 'The plan has no attempts left; a new study must be approved.' },
  NOISE_REFUSED: { class: 'policy', help: 'Regenerate the plan with `coordinator study plan`.' },
  ENGINE_UNAVAILABLE: { class: 'refused', help: 'Reinstall with `npm ci`; the WebAssembly engine needs no download.' },
  INTERNAL: { class: 'bug', help: 'This is a defect; please report it with the code and the log line.' },
} as const satisfies Record<string, { class: ErrorClass; help: string }>

export type ErrorClass = 'argument' | 'refused' | 'connection' | 'unauthenticated' | 'timeout' | 'policy' | 'bug'

export type ErrorCode = keyof typeof errorCodes
