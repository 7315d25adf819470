import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nativePin } from '@tributary/shared/tensor/native-library'

/**
 * The one wheel that is taken: the smallest that carries the C library as a file of its own (2.12 and later do), whose headers fit
 * the binding of tfjs-node 4.22, which was written for 2.9. Its Python tag does not matter: the library has no Python in it.
 */
const wheel = {
  project: 'tensorflow-cpu',
  python: '3.11',
  platform: 'manylinux2014_x86_64',
  file: `tensorflow_cpu-${nativePin.tensorflow}-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`,
  sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
}

/** What a person who carries the wheel in by hand must look for. */
export const wheelWords = `${wheel.file}, sha256 ${wheel.sha256}`

/** Nothing is wrong with what was built: the package index does not answer, or does not have the file. */
export class NotReachable extends Error {}

/** The checked bytes of a wheel that lies at `path`. Throws `Error` when they are others. */
export const readWheel = (path: string): Buffer => {
  const bytes = readFileSync(path)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== wheel.sha256) throw new Error(`${path} has sha256 ${found}; expected: ${wheelWords}`)
  return bytes
}

/**
 * The wheel from the package index that pip is set to use, by pip where there is one (its mirror, certificates, proxy and sign-in
 * hold), else straight from PIP_INDEX_URL. Either way its hash is checked. Throws `NotReachable`, and `Error` for another hash.
 */
export const fetchWheel = async (scratch: string, say: (line: string) => void): Promise<Buffer> => {
  const python = ['python3', 'python'].find((name) => spawnSync(name, ['-m', 'pip', '--version']).status === 0)
  if (python !== undefined) {
    say(`pip downloads ${wheel.file}`)
    return readWheel(byPip(python, scratch))
  }
  const index = process.env['PIP_INDEX_URL'] ?? 'https://pypi.org/simple'
  say(`no pip here: ${wheel.file} straight from ${new URL(index).host}`)
  return readWheel(await byIndex(index, scratch))
}

const byPip = (python: string, scratch: string): string => {
  const folder = join(scratch, 'wheel')
  mkdirSync(folder, { recursive: true })
  const list = join(scratch, 'requirements.txt')
  writeFileSync(list, `${wheel.project}==${nativePin.tensorflow} --hash=sha256:${wheel.sha256}\n`)
  const target = ['--platform', wheel.platform, '--python-version', wheel.python, '--implementation', 'cp']
  const words = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', ...target]
  const { status, stderr } = spawnSync(python, [...words, '--require-hashes', '-r', list, '-d', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  if (status !== 0) {
    const last = stderr.trim().split('\n').at(-1) ?? ''
    if (/DO NOT MATCH THE HASHES/.test(stderr)) throw new Error(`pip got a file with another hash than ${wheelWords}`)
    throw new NotReachable(`pip finds no ${wheel.file}: ${last}`)
  }
  return join(folder, readdirSync(folder)[0]!)
}

/** The simple repository API (PEP 503): a page of links, each with the name of a file. */
const byIndex = async (index: string, scratch: string): Promise<string> => {
  const page = new URL(`${index.replace(/\/$/, '')}/${wheel.project}/`)
  const { username, password } = page
  const headers: Record<string, string> = { accept: 'text/html' }
  if (username !== '')
    headers['authorization'] = `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`
  page.username = page.password = ''
  const links = [...(await got(page, headers)).toString('utf8').matchAll(/href\s*=\s*["']([^"'#]+)/gi)]
  const link = links
    .map(([, href = '']) => new URL(href.replaceAll('&amp;', '&'), page))
    .find(({ pathname }) => pathname.endsWith(`/${wheel.file}`))
  if (link === undefined) throw new NotReachable(`${page.host} has no ${wheel.file}`)
  const path = join(scratch, wheel.file)
  writeFileSync(path, await got(link, link.host === page.host ? headers : {}))
  return path
}

const got = async (address: URL, headers: Record<string, string>): Promise<Buffer> => {
  const answer = await fetch(address, { headers }).catch((cause: Error) => {
    throw new NotReachable(`${address.host} does not answer (${cause.message})`)
  })
  if (!answer.ok) throw new NotReachable(`${address.host} answers ${answer.status} for ${address.pathname}`)
  return Buffer.from(await answer.arrayBuffer())
}
