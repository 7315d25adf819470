import { CodedError } from '@tributary/shared/errors'

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

/**
 * The coordinator's address without a closing slash. A token goes nowhere in clear: http is for this machine alone. Throws
 * `CONFIG_INVALID`, without quoting what was typed where that may hold a password.
 */
export const serverAddress = (text: string): string => {
  const refuse = (why: string): never => {
    throw new CodedError('CONFIG_INVALID', `--server ${why}`, { place: { field: 'server' } })
  }
  const url = URL.parse(text) ?? refuse('must be an address such as https://tributary.example')
  if (url.username !== '' || url.password !== '') refuse('must hold no name or password')
  if (url.search !== '' || url.hash !== '') refuse('must end with the host, the port or a path')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') refuse('must begin with https://')
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    refuse('must begin with https://: over plain http to another machine the token could be read on the way')
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
