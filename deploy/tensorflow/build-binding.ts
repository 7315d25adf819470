/*
 * Builds the native tensor engine where npm cannot download it: the N-API binding of @tensorflow/tfjs-node against the TensorFlow
 * library inside the tensorflow-cpu wheel of a PyPI mirror. Linux on x86-64; needs npm's registry or a mirror, a PyPI mirror or the
 * wheel as a file, and a C++17 compiler. docs/engines.md.
 *
 * The result lies outside the repository (`nativeFolder`), can be copied to another machine as it is, and is found at start.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  loadNativeLibrary,
  nativeFolder,
  nativeFolderVariable,
  nativePin,
} from '@tributary/shared/tensor/native-library'
import { fetchWheel, NotReachable, readWheel, wheelWords } from './wheel.ts'
import { zipEntries } from './zip-entries.ts'

const say = (line: string) => void process.stdout.write(`${line}\n`)

const usage = `The native tensor engine, built from a package index's wheel, without Google: Linux on x86-64, a C++17 compiler (docs/engines.md).

  npm run -s tensorflow:build [-- OPTIONS]

  --wheel FILE     the wheel, carried in by hand: no package index is asked
  --force          again, even though it is there
  --if-reachable   a package index that does not answer is said and is no failure; everything else still is
  --help           this

Place: ${nativeFolder(process.env)} (890 MB)
${nativeFolderVariable}, XDG_CACHE_HOME: another one. CXX: the compiler. PIP_INDEX_URL: the index, else as pip is set to.
`

/** The words of the command line; ends the process, without a stack, where they cannot be read or ask for help. */
const commandLine = () => {
  try {
    const { values } = parseArgs({
      options: {
        wheel: { type: 'string' },
        force: { type: 'boolean', default: false },
        'if-reachable': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (!values.help) return values
    process.stdout.write(usage)
    process.exit(0)
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n\n${usage}`)
    process.exit(4)
  }
}
const options = commandLine()

/** Headers of the C API and the libraries, of 13,000 files. */
const isWanted = (path: string) =>
  /^tensorflow\/libtensorflow_(cc|framework)\.so\.2$/.test(path) ||
  /^tensorflow\/include\/(tensorflow\/c|tensorflow\/core\/platform|tsl\/c|tsl\/platform)\/.*\.h$/.test(path)

/** What stands in a finished folder. */
const built = `${JSON.stringify({ ...nativePin, wheel: wheelWords })}\n`
const isBuilt = (folder: string) => {
  const file = join(folder, 'built.json')
  return existsSync(file) && readFileSync(file, 'utf8') === built
}

const build = async (folder: string): Promise<void> => {
  const compiler = process.env['CXX'] ?? 'g++'
  if (spawnSync(compiler, ['--version']).status !== 0)
    throw new Error(`no C++ compiler: ${compiler} does not run (Debian: apt-get install g++; or set CXX)`)
  mkdirSync(dirname(folder), { recursive: true })
  const scratch = mkdtempSync(join(dirname(folder), '.tensorflow-build-'))
  try {
    const made = join(scratch, 'made')
    mkdirSync(made)
    for (const name of ['package.json', 'package-lock.json'])
      copyFileSync(join(import.meta.dirname, name), join(made, name))
    say(
      `npm installs @tensorflow/tfjs-node ${nativePin.tfjsNode} and the Node-API headers (hashes of package-lock.json)`,
    )
    // Without scripts: the package's own install would download a library.
    npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], made)
    const archive = options.wheel === undefined ? await fetchWheel(scratch, say) : readWheel(options.wheel)
    const target = join(made, 'node_modules/@tensorflow/tfjs-node')
    const include = join(scratch, 'include')
    for (const { path, bytes } of zipEntries(archive, isWanted)) {
      const isLibrary = path.endsWith('.so.2')
      const to = isLibrary ? join(target, 'deps/lib', basename(path)) : join(scratch, path.slice('tensorflow/'.length))
      mkdirSync(dirname(to), { recursive: true })
      writeFileSync(to, bytes)
    }
    compile(compiler, made, target, include)
    writeFileSync(join(made, 'built.json'), built)
    rmSync(folder, { recursive: true, force: true })
    renameSync(made, folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Node-API is the same in every Node: no headers of a release, no node-gyp. The library is found beside the binding, wherever it is moved. */
const compile = (compiler: string, made: string, target: string, include: string): void => {
  const output = join(target, 'lib/napi-v8/tfjs_binding.node')
  mkdirSync(dirname(output), { recursive: true })
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(target, 'binding', name))
  const headers = [`-I${include}`, `-I${join(made, 'node_modules/node-api-headers/include')}`]
  const flags = [
    '-std=c++17',
    '-O2',
    '-fPIC',
    '-shared',
    '-DNDEBUG',
    '-DNAPI_VERSION=8',
    '-DNODE_GYP_MODULE_NAME=tfjs_binding',
  ]
  const libraries = [`-L${join(target, 'deps/lib')}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2']
  say(`${compiler} compiles the binding`)
  execFileSync(
    compiler,
    [...flags, ...headers, ...sources, '-o', output, ...libraries, '-Wl,-rpath,$ORIGIN/../../deps/lib'],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
}

const npm = (words: readonly string[], cwd: string) => {
  // npm hands its own settings to the scripts it runs; they would point it at this repository.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(config_(local_)?prefix|package|lifecycle)/.test(name)),
  )
  execFileSync('npm', [...words], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] })
}

const prove = (folder: string): string => {
  process.env[nativeFolderVariable] = folder
  return loadNativeLibrary(process.env).detail
}

const folder = nativeFolder(process.env)
try {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`this wheel is for Linux on x64, not ${process.platform} on ${process.arch}`)
  if (options.force || !isBuilt(folder)) await build(folder)
  say(prove(folder))
} catch (cause) {
  const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
  process.stderr.write(`NOT BUILT: the native engine: ${reason}\n`)
  process.exitCode = options['if-reachable'] && cause instanceof NotReachable ? 0 : 1
}
