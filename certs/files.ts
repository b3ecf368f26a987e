import { messageOf } from '../src/core/show.ts'
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../src/log.ts'
import {
  expiryOf,
  refusalOf,
  usualLives,
  type Certificates,
  type Lives,
  type Source,
  type Trusted,
  type View,
} from './certificates.ts'
import { splitPem, unionOf, type Names } from './inspect.ts'

type Options = {
  readonly directory: string
  /** Those that the API server will look for: files of others need not hold more. */
  readonly names: Names
  readonly now: () => Date
  readonly log: Log
  readonly lives?: Pick<Lives, 'settleMs'>
  /** kubelet swaps mounted files without a sign that every file system passes on. */
  readonly pollMs?: number
}

/**
 * Replicas get new files up to two minutes apart: kubelet looks once a minute, and at a cache. So long, and some
 * more, a CA that no file here needs stays published.
 */
const othersStaySettleTimes = 10

/**
 * Somebody else's certificates, as cert-manager mounts them: `tls.crt`, `tls.key` and `ca.crt`, read again and
 * again. Bad ones are refused, and the last good ones kept.
 *
 * Files that come with a new CA take the way of rotation.ts, only that what another replica's files still need must
 * not be lost: their CA is added to those that are published, and their leaf served once that has stood for the
 * settle time. What nobody here needs is left out when nothing has changed for ten times as long.
 */
export function fromFiles(options: Options): Source {
  const { names, now, lives = usualLives, pollMs = 5000 } = options
  const latest = readingOf(options)
  let current: Trusted | undefined
  return async (view: View): Promise<Certificates> => {
    const wanted = { names, now: now() }
    const files = await latest(wanted)
    const all = unionOf([...view.live, current?.caBundle ?? '', files.caBundle], wanted.now)
    const served: Trusted =
      current && !maySwap(current, files, { all, view, wanted, settleMs: lives.settleMs }) ? current : files
    const stays =
      view.standingMs({ pair: files.pair, caBundle: all }) < lives.settleMs * othersStaySettleTimes
    current = served
    return {
      pair: served.pair,
      caBundle: stays ? all : files.caBundle,
      renewAt: new Date(wanted.now.getTime() + pollMs),
      expires: expiryOf(served),
    }
  }
}

type Wanted = { readonly names: Names; readonly now: Date }

/** Whether what is served may give way to the files: at once if no client can tell, or nothing is lost by it. */
function maySwap(
  { pair, caBundle }: Trusted,
  files: Trusted,
  at: { readonly all: string; readonly view: View; readonly wanted: Wanted; readonly settleMs: number },
): boolean {
  return (
    refusalOf({ pair: files.pair, caBundle }, at.wanted) === undefined ||
    refusalOf({ pair, caBundle }, at.wanted) !== undefined ||
    at.view.standingMs({ pair, caBundle: at.all }) >= at.settleMs
  )
}

/** The last good files. Throws while there have been none. */
function readingOf({ directory, log }: Options): (wanted: Wanted) => Promise<Trusted> {
  let good: Trusted | undefined
  let complaint = ''
  return async (wanted) => {
    const found = await read(directory)
    const problem = typeof found === 'string' ? found : refusalOf(found, wanted)
    if (typeof found !== 'string' && problem === undefined) {
      if (good && good.pair.cert !== found.pair.cert)
        log.info({ directory }, 'the webhook certificate files changed')
      good = found
      complaint = ''
      return good
    }
    if (!good) throw new Error(`--webhook-cert-dir ${directory}: ${problem}`)
    if (problem !== undefined && problem !== complaint) {
      log.warn(
        { directory, problem },
        'the webhook certificate files are refused, those before them are kept',
      )
      complaint = problem
    }
    return good
  }
}

/** What the folder holds now, or why that can't be told. */
async function read(directory: string): Promise<Trusted | string> {
  try {
    // kubelet's folder is a link that it swaps: what is read from behind it is of one time.
    const at = await realpath(join(directory, '..data')).catch(() => directory)
    const text = (name: string): Promise<string> => readFile(join(at, name), 'utf8')
    const [cert, key, ca] = await Promise.all([text('tls.crt'), text('tls.key'), text('ca.crt')])
    return { pair: { cert: splitPem(cert).join(''), key }, caBundle: splitPem(ca).join('') }
  } catch (error) {
    return messageOf(error)
  }
}
