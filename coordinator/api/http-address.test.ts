import { describe, expect, it } from 'vitest'
import { httpAddress, refuseOpenWire, urlOf } from './http-address.ts'

const refused = expect.objectContaining({ code: 'CONFIG_INVALID', place: { field: '--http' } })

describe('the address of the API', () => {
  it.each([
    ['127.0.0.1:7480', { host: '127.0.0.1', port: 7480 }],
    ['localhost:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['coord.example.org:443', { host: 'coord.example.org', port: 443 }],
  ])('is read: %s', (text, address) => {
    expect(httpAddress(text)).toEqual(address)
  })

  it.each([
    '',
    '7480',
    ':7480',
    '127.0.0.1',
    '127.0.0.1:65536',
    '127.0.0.1:x',
    '::1:80',
    '[127.0.0.1]:80',
    'http://127.0.0.1:1',
  ])('is refused: %s', (text) => {
    expect(() => httpAddress(text)).toThrow(refused)
  })

  it.each(['127.0.0.1', '127.1.2.3', '::1'])('may be %s without TLS', (host) => {
    expect(() => refuseOpenWire({ host, port: 1 }, false)).not.toThrow()
  })

  it.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '192.168.1.1',
    'coord.example.org',
    '127.example.org',
    '::ffff:127.0.0.1',
    '1270.0.0.1',
  ])('may be %s with TLS alone', (host) => {
    expect(() => refuseOpenWire({ host, port: 1 }, false)).toThrow(refused)
    expect(() => refuseOpenWire({ host, port: 1 }, true)).not.toThrow()
  })

  it('is shown as a URL', () => {
    expect(urlOf({ host: '::1', port: 80 }, false)).toBe('http://[::1]:80')
    expect(urlOf({ host: 'a.org', port: 443 }, true)).toBe('https://a.org:443')
  })
})
