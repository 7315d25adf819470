// Writes shared/wire/generated from these proto files; with --check only says whether what is committed is what they give.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const folder = import.meta.dirname
const committed = join(folder, '../shared/wire/generated')
const loader = createRequire(join(folder, '../shared/package.json')).resolve('@grpc/proto-loader')
const generator = join(dirname(loader), '../bin/proto-loader-gen-types.js')
// The same options as shared/wire/proto.ts.
const options = ['--longs=Number', '--enums=String', '--defaults', '--oneofs', '--includeComments']
const style = ['--grpcLib=@grpc/grpc-js', '--importFileExtension=.ts']

const contents = (root) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${path.slice(root.length)}\n${readFileSync(path, 'utf8')}`)
    .sort()
    .join('\n')

const fresh = mkdtempSync(join(tmpdir(), 'tributary-proto-'))
try {
  const files = readdirSync(folder).filter((name) => name.endsWith('.proto'))
  // Relative to this folder, because the generator writes the path that it was given into a comment.
  execFileSync(process.execPath, [generator, ...options, ...style, '-I', '.', '-O', fresh, ...files], { cwd: folder })
  if (!process.argv.includes('--check')) {
    rmSync(committed, { recursive: true, force: true })
    cpSync(fresh, committed, { recursive: true })
  } else if (contents(fresh) !== contents(committed)) {
    process.stderr.write('shared/wire/generated is not what proto/*.proto gives: run `npm run proto:generate`\n')
    process.exitCode = 1
  }
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
