/**
 * The walls. Each rule says why it stands; `npm run check` refuses an import that crosses one. Tests beside the code may look
 * at a neighbour's inside, so stage rules skip `.test.ts`; the rules on who ships what skip nothing.
 */
const test = '\\.test\\.ts$'
const shipped = '^(shared|site-agent|coordinator|deploy)/'

/** Node's modules that reach a disk, a socket, a process or a key. */
const nodeIo =
  '^(node:)?(fs|fs/promises|net|tls|http|http2|https|dgram|dns|dns/promises|child_process|cluster|worker_threads|crypto|os|sqlite|readline|process|vm|v8|inspector)$'

/** `from` may not import `to`. */
const wall = (name, reason, from, to) => ({ name, comment: reason, severity: 'error', from, to })

/** A stage takes the output of the stage before it and knows no other. */
const stage = (workspace, name, others) =>
  wall(
    `${workspace}-${name}-stage`,
    'The folder listing is the pipeline: a stage that reaches past its neighbour breaks the types that keep rows inside.',
    { path: `^${workspace}/${name}/`, pathNot: test },
    { path: `^${workspace}/(${others})/` },
  )

module.exports = {
  forbidden: [
    wall(
      'shared-imports-no-sibling',
      'Both sides ship shared: an import from it would carry one side into the other.',
      { path: '^shared/' },
      { path: '^(site-agent|coordinator|deploy|test)/', pathNot: '^test/(vectors|harness)/' },
    ),
    wall(
      'site-agent-never-imports-coordinator',
      'What a hospital installs is site-agent and shared; that list is its audit surface.',
      { path: '^site-agent/' },
      { path: '^(coordinator|deploy)/' },
    ),
    wall(
      'coordinator-never-imports-site-agent',
      'The coordinator must not be able to name a type that holds a row, a contribution or a key share.',
      { path: '^coordinator/' },
      { path: '^(site-agent|deploy)/' },
    ),
    wall(
      'deploy-imports-only-shared',
      'The local federation shows the real binaries: it starts them and never links their insides.',
      { path: '^deploy/' },
      { path: '^(site-agent|coordinator)/' },
    ),
    wall(
      'shipped-code-never-imports-test',
      'Seeded coins, noise off and failpoints live under test/; a shipped binary must not be able to reach them.',
      { path: shipped, pathNot: test },
      { path: '^test/' },
    ),
    wall(
      'pure-core-has-no-io',
      'Privacy mathematics must be a function of its arguments: only os-random.ts asks the operating system for bits.',
      { path: '^shared/(dp|schema|synthesizers)/', pathNot: [test, '^shared/dp/os-random\\.ts$'] },
      { path: nodeIo },
    ),
    wall(
      'sockets-only-in-link',
      'One place per side opens a connection; everything else is testable without a network.',
      { path: shipped, pathNot: '^((site-agent|coordinator)/link|shared/wire)/' },
      { path: '(^|/)node_modules/@grpc/' },
    ),
    wall(
      'sockets-only-in-link-node',
      'The same for raw sockets: grep one folder to know what a hospital can dial. (deploy reserves free ports; tests listen.)',
      { path: '^(shared|site-agent|coordinator)/', pathNot: ['^(site-agent|coordinator)/(link|console|api|portal)/', '^coordinator/researcher/private-authority\\.ts$', test] },
      { path: '^(node:)?(net|tls|http|http2|https|dgram)$' },
    ),
    wall(
      'generated-code-only-in-wire',
      'Bytes from the network become domain types in one place, which checks the version and every field.',
      { pathNot: '^shared/wire/' },
      { path: '^shared/wire/generated/' },
    ),
    wall(
      'duckdb-only-in-table',
      "DuckDB's error texts hold the row: one folder catches them, so none is forwarded.",
      { path: shipped, pathNot: '^site-agent/table/' },
      { path: '(^|/)node_modules/@duckdb/' },
    ),
    wall(
      'sqlite-only-in-store',
      'Durability (WAL, synchronous, bigint) is set once; ledger, answer log and outbox all go through it.',
      { path: shipped, pathNot: ['^shared/store/', test] },
      { path: '^(node:)?sqlite$' },
    ),
    wall(
      'seal-only-in-he',
      'Network bytes never reach a SEAL load: shared/he checks its own frames first.',
      { path: shipped, pathNot: '^shared/he/' },
      { path: '(^|/)node_modules/node-seal/' },
    ),
    wall(
      'only-the-secure-ring-ships',
      'Unchecked parameters make the insecure test ring: shipped code knows the one secure literal.',
      { path: '^(shared|site-agent|coordinator|deploy)/', pathNot: ['^shared/he/(ring-parameters|ring)\\.ts$', test] },
      { path: '^shared/he/unchecked-ring-parameters' },
    ),
    wall(
      'raw-rows-stay-in-table',
      'RawRow is read by records alone; cli and the composition root open a table, the rest cannot name it.',
      { path: '^site-agent/', pathNot: ['^site-agent/(table|records|cli)/', '^site-agent/[^/]+$', test] },
      { path: '^site-agent/table/' },
    ),
    stage('site-agent', 'table', 'records|contribution|update'),
    stage('site-agent', 'records', 'contribution|update'),
    stage('site-agent', 'contribution', 'table|update'),
    stage('site-agent', 'update', 'table|records'),
    stage('site-agent', 'link', 'table|records|contribution'),
    stage('coordinator', 'aggregate', 'model|cohort|report'),
    stage('coordinator', 'model', 'cohort|report'),
    stage('coordinator', 'cohort', 'aggregate|report'),
    stage('coordinator', 'report', 'aggregate'),
    wall(
      'researcher-only-asks-the-api',
      'What a researcher runs must work from the API and the release folder alone: no store, no key, no model.',
      { path: '^coordinator/researcher/', pathNot: test },
      { path: '^(coordinator|site-agent|deploy)/', pathNot: '^coordinator/(node_modules/|researcher/|api/schemas\\.ts$|release/verify-release\\.ts$|cohort/order\\.ts$)' },
    ),
    wall(
      'one-binding-place',
      'Sampling, clipping and noise are worth their epsilon only together: plan.ts alone may pair them.',
      { path: '^site-agent/', pathNot: ['^site-agent/contribution/plan\\.ts$', test] },
      { path: '^site-agent/contribution/(sample|clip|noise)(\\.ts|/)' },
    ),
    wall(
      'no-cycles',
      'A cycle has no order to read it in.',
      { path: `${shipped}|^test/` },
      { circular: true },
    ),
    wall(
      'no-orphans',
      'A file that nothing imports and that imports nothing is not part of the product.',
      { orphan: true, path: `${shipped}|^test/`, pathNot: ['\\.d\\.ts$', '/bin/[^/]+\\.js$'] },
      {},
    ),
    wall(
      'imports-resolve',
      'An import that resolves by luck of hoisting breaks on the next install.',
      { path: `${shipped}|^test/`, pathNot: '/bin/[^/]+\\.js$' }, // binaries start what `tsc -b` built
      { couldNotResolve: true },
    ),
    wall(
      'only-declared-dependencies',
      'A hospital installs what the package file lists, without dev dependencies; hoisting hides what is missing.',
      { path: '^(shared|site-agent|coordinator)/', pathNot: test },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    ),
  ],
  options: {
    parser: 'swc', // TypeScript 7 has no compiler API: without swc no .ts is seen
    tsPreCompilationDeps: true, // a type-only import crosses a wall as well
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(shared|site-agent|coordinator)/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.d.ts', '.json', '.node'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}
