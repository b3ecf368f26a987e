import { BlockList, isIP } from 'node:net'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy by which a server is reached, as kubectl has it from Go's golang.org/x/net/http/httpproxy: HTTPS_PROXY, unless
 * NO_PROXY names the server. Undefined where there is none. undici's EnvHttpProxyAgent is not used: it knows no CIDR in NO_PROXY, and
 * clusters are usually named there by a CIDR.
 *
 * @throws Error where the variable is no URL; its value is not quoted, since it may hold a password
 */
export function proxyFor(server: string, env: Environment): string | undefined {
  const url = new URL(server)
  const name = url.protocol === 'http:' ? 'HTTP_PROXY' : 'HTTPS_PROXY'
  const proxy = anyCase(env, name)
  if (proxy === '' || !isProxied(url, anyCase(env, 'NO_PROXY'))) return undefined
  const full = /^(?:https?|socks5h?):\/\//.test(proxy) ? proxy : `http://${proxy}`
  // Without its text: a password may be in it.
  if (!URL.canParse(full)) throw new Error(`the value of ${name} is no URL`)
  return full
}

const anyCase = (env: Environment, name: string): string => env[name] || env[name.toLowerCase()] || ''

function isProxied({ hostname, port, protocol }: URL, noProxy: string): boolean {
  const at = {
    host: bare(hostname.toLowerCase()),
    port: port || (protocol === 'http:' ? '80' : '443'),
  }
  if (at.host === 'localhost' || isLoopback(at.host)) return false
  const entries = noProxy.split(',').map((entry) => entry.trim().toLowerCase())
  return !entries.some((entry) => entry !== '' && isNamed(entry, at))
}

const bare = (host: string): string => host.replaceAll(/^\[|\]$/g, '')

const isLoopback = (host: string): boolean => host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

type At = { readonly host: string; readonly port: string }

/** `*`, a CIDR, an address or a domain; the latter two perhaps with a port. A domain has its subdomains with it. */
function isNamed(entry: string, { host, port }: At): boolean {
  if (entry === '*') return true
  const network = /^(?<address>.+)\/(?<bits>\d+)$/.exec(entry)?.groups
  if (network) return isWithin(host, network['address'] ?? '', Number(network['bits']))
  const { name, only } = isIP(entry) ? { name: entry, only: undefined } : splitPort(entry)
  if (only !== undefined && only !== port) return false
  if (isIP(name)) return name === host
  const domain = name.replace(/^\*\./, '.')
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`)
}

function splitPort(entry: string): { readonly name: string; readonly only: string | undefined } {
  const { name = entry, only } = /^(?<name>.*):(?<only>\d+)$/.exec(entry)?.groups ?? {}
  return { name: bare(name), only }
}

function isWithin(host: string, address: string, bits: number): boolean {
  const family = isIP(address)
  if (family === 0 || family !== isIP(host) || bits > (family === 4 ? 32 : 128)) return false
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  const network = new BlockList()
  network.addSubnet(address, bits, kind)
  return network.check(host, kind)
}
