import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../src/core/show.ts'
import type { Log } from '../src/log.ts'
import {
  expiryOf,
  handshakeProblem,
  usualLives,
  type Certificates,
  type Lives,
  type Source,
  type Trusted,
  type View,
} from './certificates.ts'
import { splitPem, unionOf, type Names } from './inspect.ts'
import type { CertificateNeeds } from './rotation.ts'

type Options = {
  readonly directory: string
  /** The names by which the API server calls. The certificate in the files must be for these, and may be for more. */
  readonly names: Names
  readonly now: () => Date
  readonly log: Log
  readonly lives?: Pick<Lives, 'settleMs'>
  /**
   * How often the files are read, in ms. Not every file system reports that kubelet has swapped mounted files, so they
   * are read anew.
   */
  readonly pollMs?: number
}

/**
 * A CA that this replica's files no longer need stays published for ten settle times. Other replicas may need it for that long:
 * kubelet looks for new files once a minute, and at a cache, so that replicas get them up to two minutes apart.
 */
const othersStaySettleTimes = 10

/**
 * Certificates that somebody else makes, as cert-manager mounts them: `tls.crt`, `tls.key` and `ca.crt`. The files are read again
 * and again. Files that can't be served are refused with a log line, and the last good ones are kept.
 *
 * When the files come with a new CA, one CA follows another as in rotation.ts:
 *
 *     steady  bundle: old        leaf: old    new files are there: `add`
 *     added   bundle: old, new   leaf: old    the bundle has stood for the settle time: `swap`
 *     swapped bundle: old, new   leaf: new    nothing has changed for ten settle times: `drop`
 *     steady  bundle: new        leaf: new
 *
 * The invariant: what this replica serves, and what any other replica may still serve from its own files, chains to the bundle.
 * So a CA of another replica is never dropped early. Nothing is remembered outside this process: after a restart the replica
 * serves its files at once, and takes every CA that is still registered into the bundle.
 *
 * @returns a source that throws while there have been no good files
 */
export function fromFiles(options: Options): Source {
  const { names, now, lives = usualLives, pollMs = 5000 } = options
  const latest = readingOf(options)
  let current: Trusted | undefined
  return async (view: View): Promise<Certificates> => {
    const needs = { names, now: now() }
    const files = await latest(needs)
    const all = unionOf([...view.live, current?.caBundle ?? '', files.caBundle], needs.now)
    const served: Trusted =
      current && !maySwap(current, files, { all, view, needs, settleMs: lives.settleMs }) ? current : files
    const stays =
      view.standingMs({ pair: files.pair, caBundle: all }) < lives.settleMs * othersStaySettleTimes
    current = served
    return {
      pair: served.pair,
      caBundle: stays ? all : files.caBundle,
      renewAt: new Date(needs.now.getTime() + pollMs),
      expires: expiryOf(served),
    }
  }
}

type FileNeeds = Pick<CertificateNeeds, 'names' | 'now'>

/**
 * Whether the leaf of the files may be served now: the present bundle trusts it already, or the present leaf is good for nothing
 * any more, or the bundle with both CAs has stood for the settle time.
 */
function maySwap(
  { pair, caBundle }: Trusted,
  files: Trusted,
  at: {
    readonly all: string
    readonly view: View
    readonly needs: FileNeeds
    readonly settleMs: number
  },
): boolean {
  return (
    handshakeProblem({ pair: files.pair, caBundle }, at.needs) === undefined ||
    handshakeProblem({ pair, caBundle }, at.needs) !== undefined ||
    at.view.standingMs({ pair, caBundle: at.all }) >= at.settleMs
  )
}

/**
 * Reads the files and keeps the last good ones.
 *
 * @returns a function that throws an Error naming the folder and the problem while there have been no good files
 */
function readingOf({ directory, log }: Options): (needs: FileNeeds) => Promise<Trusted> {
  let good: Trusted | undefined
  let complaint = ''
  return async (needs) => {
    const found = await read(directory)
    const problem = typeof found === 'string' ? found : handshakeProblem(found, needs)
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
    // kubelet swaps `..data`, a link to a folder. All files are read from one resolved folder, so that they belong together.
    const at = await realpath(join(directory, '..data')).catch(() => directory)
    const text = (name: string): Promise<string> => readFile(join(at, name), 'utf8')
    // One after another: of several files that can't be read it is always the same one that is complained of, and so once.
    const cert = await text('tls.crt')
    const key = await text('tls.key')
    const ca = await text('ca.crt')
    return { pair: { cert: splitPem(cert).join(''), key }, caBundle: splitPem(ca).join('') }
  } catch (error) {
    return messageOf(error)
  }
}
