import { expect, test } from 'vitest'
import { proxyFor } from '../../src/kube/proxy.ts'

const proxy = 'http://proxy.example:3128'

test.for([
  ['https://api.example:6443', { HTTPS_PROXY: proxy }, proxy],
  ['https://api.example:6443', { https_proxy: proxy }, proxy],
  ['https://api.example', { HTTPS_PROXY: 'proxy.example:3128' }, proxy],
  ['https://api.example', { HTTPS_PROXY: 'socks5://proxy.example:1080' }, 'socks5://proxy.example:1080'],
  ['https://api.example', { HTTP_PROXY: proxy }, undefined],
  ['http://api.example', { HTTP_PROXY: proxy }, proxy],
  ['https://api.example', {}, undefined],
  ['https://api.example', { HTTPS_PROXY: '' }, undefined],
  // What is on this machine is never asked of another one.
  ['https://localhost:6443', { HTTPS_PROXY: proxy }, undefined],
  ['https://127.3.4.5:6443', { HTTPS_PROXY: proxy }, undefined],
  ['https://[::1]:6443', { HTTPS_PROXY: proxy }, undefined],
] as const)('%s with %j is reached by %s', ([server, env, wanted]) => {
  expect(proxyFor(server, env)).toBe(wanted)
})

test.for([
  ['api.example', true],
  ['example', true],
  ['.example', true],
  ['*.example', true],
  ['API.Example', true],
  [' other.org , api.example ', true],
  ['*', true],
  ['api.example:6443', true],
  ['api.example:443', false],
  ['.api.example', false],
  ['pi.example', false],
  ['other.org', false],
  ['', false],
] as const)('NO_PROXY=%s leaves https://api.example:6443 to itself: %s', ([noProxy, direct]) => {
  const env = { HTTPS_PROXY: proxy, NO_PROXY: noProxy }
  expect(proxyFor('https://api.example:6443', env) === undefined).toBe(direct)
})

test.for([
  ['https://10.1.2.3', '10.0.0.0/8', true],
  ['https://11.1.2.3', '10.0.0.0/8', false],
  ['https://10.1.2.3', '10.1.2.3', true],
  ['https://10.1.2.3', '10.1.2.3:443', true],
  ['https://10.1.2.3', '10.1.2.3:444', false],
  ['https://10.1.2.3', '10.0.0.0/99', false],
  ['https://[fd00::1]', 'fd00::/8', true],
  ['https://[fd00::1]', 'fd00::1', true],
  ['https://[fd00::1]', '[fd00::1]:443', true],
  ['https://[fd00::1]', '10.0.0.0/8', false],
] as const)('%s with NO_PROXY=%s is left to itself: %s', ([server, noProxy, direct]) => {
  expect(proxyFor(server, { HTTPS_PROXY: proxy, no_proxy: noProxy }) === undefined).toBe(direct)
})

test('a variable that is no URL is named without its text', () => {
  expect(() => proxyFor('https://api.example', { HTTPS_PROXY: 'http://me:hush@:x' })).toThrow(
    /^the value of HTTPS_PROXY is no URL$/v,
  )
})
