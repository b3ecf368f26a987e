/** Parsers for the values of flags. A problem says what is wrong and what to write instead. */
import { isIPv4, isIPv6 } from 'node:net'
import { actions, type Action } from '../core/findings.ts'
import { isDns1123Label, isDns1123Subdomain, trimSpace } from '../core/names.ts'
import { nearest } from '../core/nearest.ts'
import { show } from '../core/show.ts'
import type { LogLevel } from '../log.ts'
import type { GivenValue, CommandLine } from './read.ts'

export type Parsed<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'problem'; readonly problem: string }

/** Where a server listens. An empty host is every address of the machine; port 0 lets the system choose. */
export type Address = { readonly host: string; readonly port: number }

const value = <T>(result: T): Parsed<T> => ({ kind: 'value', value: result })
const problem = (text: string): Parsed<never> => ({ kind: 'problem', problem: text })

/** Decodes the values of a command line one by one and collects their problems. */
export type Decoder<Name extends string> = {
  readonly problems: readonly string[]
  /** The value of a flag, or `otherwise` when there is none or it is a problem. */
  readonly decode: <T>(name: Name, parse: (text: string) => Parsed<T>, otherwise: T) => T
  /** Every value of a flag that may be repeated. */
  readonly decodeAll: <T>(name: Name, parse: (text: string) => Parsed<T>) => readonly T[]
}

export function decoderOf<Name extends string>(reading: CommandLine<Name>): Decoder<Name> {
  const problems: string[] = []
  const parsedBy = <T>(parse: (text: string) => Parsed<T>, given: GivenValue): readonly T[] => {
    const parsed = parse(given.value)
    if (parsed.kind === 'value') return [parsed.value]
    problems.push(`${given.from} ${show(given.value)}: ${parsed.problem}`)
    return []
  }
  return {
    problems,
    decode: (name, parse, otherwise) => {
      const given = reading.last(name)
      const [decoded = otherwise] = given === undefined ? [] : parsedBy(parse, given)
      return decoded
    },
    decodeAll: (name, parse) => reading.all(name).flatMap((given) => parsedBy(parse, given)),
  }
}

/** SPIFFE-ID section 2.1: 1 to 255 of `a-z0-9.-_`. */
export function trustDomainProblem(text: string): string | undefined {
  if (text === '') return 'the trust domain is empty; write its name, such as example.org'
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(text)?.[0]
  if (scheme !== undefined) return `a trust domain has no scheme; leave ${show(scheme)} out`
  // Parts that do not belong to a name, like a scheme, are named first: advice about the name alone would leave them
  // in. Upper case comes last, since its advice writes the whole name.
  const at = [/\//, /:/, /[^A-Za-z0-9.\-_]/, /[A-Z]/]
    .map((bad) => text.search(bad))
    .find((found) => found !== -1)
  if (at === undefined) {
    return text.length > 255
      ? `a trust domain has at most 255 characters, this one ${text.length}; use a shorter name`
      : undefined
  }
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
  const found = `${show(character)} at character ${at + 1}`
  if (character === '/') return `a trust domain has no path (${found}); write what is before the slash`
  if (character === ':') return `a trust domain has no port (${found}); write what is before the colon`
  if (trimSpace(character) === '') return `a trust domain has no white space (${found}); remove it`
  if (/[A-Z]/.test(character))
    return `a trust domain is lower case (${found}); write ${show(text.toLowerCase())}`
  return `a trust domain has only the characters a-z, 0-9, ".", "-" and "_" (${found}); use another name`
}

export function classNameProblem(text: string): string | undefined {
  const trimmed = trimSpace(text)
  if (trimmed !== text) return `white space around it; write ${show(trimmed)}`
  return text.includes('{{') ? 'SPIRE Controller Manager takes {{ for a template; write a name' : undefined
}

export function trustDomain(text: string): Parsed<string> {
  const found = trustDomainProblem(text)
  return found === undefined ? value(text) : problem(found)
}

/** None, when empty. */
export function className(text: string): Parsed<string | undefined> {
  const found = classNameProblem(text)
  return found === undefined ? value(text === '' ? undefined : text) : problem(found)
}

/** A path or a name that is taken as it is. None, when empty. */
export const optionalText = (text: string): Parsed<string | undefined> =>
  value(text === '' ? undefined : text)

/** `a,b`, blanks around the items and empty ones left out. */
export const commaSeparated = (text: string): Parsed<readonly string[]> =>
  value(text.split(',').flatMap((item) => trimSpace(item) || []))

/** None, when empty. */
export const namespace = (text: string): Parsed<string | undefined> =>
  text === '' || isDns1123Label(text)
    ? value(text === '' ? undefined : text)
    : problem('not the name of a namespace; write up to 63 of a-z, 0-9 and "-", such as kleym-system')

/** The name of an object that is neither a namespace nor a Service. */
export const objectName = (text: string): Parsed<string> =>
  isDns1123Subdomain(text)
    ? value(text)
    : problem('not the name of an object; write up to 253 of a-z, 0-9, "-" and "."')

/** RFC 1035, which Services still follow. */
export const serviceName = (text: string): Parsed<string> =>
  isDns1123Label(text) && /^[a-z]/.test(text)
    ? value(text)
    : problem('not the name of a Service; write up to 63 of a-z, 0-9 and "-", a letter first')

/** The name of a file beside another. */
export const fileName = (text: string): Parsed<string> =>
  text === '' || text.includes('/')
    ? problem('not a file name; write it without a folder, such as tls.crt')
    : value(text)

/** `host:port`, `[IPv6]:port`, `:port`; `0` is off. */
export function address(text: string): Parsed<Address | undefined> {
  if (text === '0') return value(undefined)
  const [, bracketed, plain, digits] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text) ?? []
  if (digits === undefined) return problem(`not an address; write ${addressLike(text)}`)
  const port = Number(digits)
  if (port > 65535) return problem(`port ${port} is too large; write one up to 65535`)
  if (bracketed !== undefined) {
    return isIPv6(bracketed)
      ? value({ host: bracketed, port })
      : problem(`${show(bracketed)} is not an IPv6 address; write one like [::1]:${port}`)
  }
  const host = plain ?? ''
  // Digits and dots only: a mistyped IPv4 address rather than a name.
  return host === '' || isIPv4(host) || (isDns1123Subdomain(host.toLowerCase()) && /[^0-9.]/.test(host))
    ? value({ host, port })
    : problem(
        `${show(host)} is neither an IP address nor a host name; write one, or :${port} for every address`,
      )
}

export function showAddress(at: Address | undefined): string {
  if (at === undefined) return '0'
  return `${isIPv6(at.host) ? `[${at.host}]` : at.host}:${at.port}`
}

function addressLike(text: string): string {
  if (/^[0-9]{1,5}$/.test(text)) return `:${text}`
  const port = /^(.*):([0-9]{1,5})$/.exec(text)
  if (port?.[1] !== undefined && isIPv6(port[1])) return `[${port[1]}]:${port[2]}`
  return 'HOST:PORT, [IPv6]:PORT, :PORT, or 0 to switch it off'
}

/** A URL that the API server takes for a webhook, without the slashes at its end. An empty text is none. */
export function webhookUrl(text: string): Parsed<string | undefined> {
  if (text === '') return value(undefined)
  // URL accepts white space, backslashes, missing slashes and empty parts, which the API server refuses.
  if (!/^https:\/\/[^/]/i.test(text))
    return problem('not an absolute https URL; write https://HOST:PORT/PATH')
  if (/[\s\\]/.test(text)) return problem('white space or a backslash in the URL; remove it')
  if (text.includes('?')) return problem('a webhook URL has no query; leave out what starts at the "?"')
  if (text.includes('#')) return problem('a webhook URL has no fragment; leave out what starts at the "#"')
  if (/^https:\/\/[^/]*@/i.test(text))
    return problem('a webhook URL has no user; leave out what ends at the "@"')
  const url = URL.parse(text)
  return url === null
    ? problem('not a URL; write https://HOST:PORT/PATH')
    : value(url.href.replace(/\/+$/, ''))
}

const logLevels = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[]

/** Zap's spellings too: any case, `panic` for almost nothing, a positive number for more and more detail. */
export function logLevel(text: string): Parsed<LogLevel> {
  const lower = text.toLowerCase()
  if (lower === 'panic') return value('error')
  if (/^0*[1-9][0-9]{0,2}$/.test(lower)) return value('debug')
  const level = logLevels.find((known) => known === lower)
  return level === undefined ? problem(`no log level; write ${logLevels.join(', ')}`) : value(level)
}

const unitsMs = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const

/** A duration as Go's time.ParseDuration reads it, down to milliseconds: `30s`, `1m30s`, `500ms`. In milliseconds, above zero. */
export function duration(text: string): Parsed<number> {
  const parts = [...text.matchAll(/(?<count>\d+(?:\.\d+)?)(?<unit>ms|h|m|s)/g)]
  const ms = parts.reduce((sum, { groups }) => sum + Number(groups?.['count']) * unitOf(groups?.['unit']), 0)
  if (parts.map(([part]) => part).join('') !== text || text === '')
    return problem('not a duration; write one like 30s or 1m30s')
  return ms > 0 ? value(ms) : problem('no time at all; write more, like 30s')
}

const unitOf = (unit: string | undefined): number =>
  unit === 'h' || unit === 'm' || unit === 's' || unit === 'ms' ? unitsMs[unit] : 0

/** `deny|warn|ignore`. */
export function action(text: string): Parsed<Action> {
  const known = actions.find((one) => one === text)
  return known === undefined ? problem(`no action; write ${actions.join(', ')}`) : value(known)
}

/** `Reason=deny|warn|ignore`. */
export function webhookAction(
  text: string,
  reasons: readonly string[],
): Parsed<{ readonly reason: string; readonly action: Action }> {
  const at = text.indexOf('=')
  if (at === -1) return problem(`no action in it; write Reason=${actions.join('|')}`)
  const reason = text.slice(0, at)
  const wanted = text.slice(at + 1)
  if (!reasons.includes(reason)) {
    const near = nearest(reason, reasons)
    const remedy = near === undefined ? `write one of ${reasons.join(', ')}` : `did you mean ${near}?`
    return problem(`${show(reason)} is no reason whose action can be set; ${remedy}`)
  }
  const known = actions.find((one) => one === wanted)
  return known === undefined
    ? problem(`${show(wanted)} is no action; write ${reason}=${actions.join('|')}`)
    : value({ reason, action: known })
}
