// node .ci/complete-lock.mjs: adds the optional platform packages that package-lock.json names as dependencies but has no entry
// for. `npm ci` refuses such a lock ("Missing: ... from lock file"), and npm writes one wherever the registry it was made
// with does not serve other platforms' packages. An entry without a hash is fetched by its exact version on that platform.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const systems = { android: 'android', darwin: 'darwin', freebsd: 'freebsd', linux: 'linux', openharmony: 'openharmony', win32: 'win32' }
const processors = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 'riscv64', 's390x']

const platformOf = (name) => {
  const parts = name.split('/').pop().split('-')
  const os = parts.map((part) => systems[part]).find(Boolean)
  const cpu = processors.find((processor) => parts.includes(processor))
  if (!os || !cpu) return undefined
  const libc = parts.some((part) => part.startsWith('musl')) ? 'musl' : parts.some((part) => part.startsWith('gnu')) ? 'glibc' : undefined
  return { os: [os], cpu: [cpu], ...(os === 'linux' && libc ? { libc: [libc] } : {}) }
}

let added = 0
for (const owner of Object.values({ ...lock.packages })) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const platform = platformOf(name)
    if (lock.packages[`node_modules/${name}`] || !platform || !/^\d/.test(version)) continue
    const dev = owner.dev ? { dev: true } : {}
    lock.packages[`node_modules/${name}`] = { version, ...platform, ...dev, optional: true }
    added++
  }
}
const packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
writeFileSync(file, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`)
console.log(`${added} entries added`)
