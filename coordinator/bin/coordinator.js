#!/usr/bin/env node
// Parses on Node 12, so that an old Node gets a sentence instead of a syntax error.
var version = process.versions.node.split('.').map(Number)
if (version[0] < 24 || (version[0] === 24 && version[1] < 15)) {
  process.stderr.write(
    'error NODE_TOO_OLD: this is Node ' +
      process.versions.node +
      ', 24.15 or newer is needed\n' +
      '  hint: `npm ci` brings one; run: node_modules/.bin/node ' +
      process.argv[1] +
      '\n',
  )
  process.exit(4)
}
import('../dist/cli/main.js').catch(function (error) {
  process.stderr.write('error INTERNAL: ' + (error.code || error.name) + ': ' + error.message + '\n')
  process.exit(5)
})
