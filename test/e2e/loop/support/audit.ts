import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordOf, textOf } from '../../../support/embedded/json.ts'

/** One request of the operator's, as the API server wrote it down when it was answered. */
export type Audited = {
  readonly verb: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly dryRun: boolean
  readonly code: number
  /** When it arrived, in ms. */
  readonly at: number
}

export type AuditLog = {
  /** Flags of kube-apiserver. */
  readonly flags: readonly string[]
  /** What the operator asked for, in the order of the answers; watches once they have ended. */
  readonly requests: () => Promise<readonly Audited[]>
  readonly remove: () => Promise<void>
}

const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'None', users: ['system:apiserver'] }, { level: 'Metadata' }],
}

/** The API server blocks on each line, so that what was answered is in the file. */
export async function createAuditLog(): Promise<AuditLog> {
  const directory = await mkdtemp(join(tmpdir(), 'audit-'))
  const [policyFile, log] = [join(directory, 'policy'), join(directory, 'log')]
  await writeFile(policyFile, JSON.stringify(policy))
  return {
    flags: [`--audit-policy-file=${policyFile}`, `--audit-log-path=${log}`],
    requests: async () => {
      const lines = (await readFile(log, 'utf8')).split('\n')
      return lines.filter((line) => line.includes('"userAgent":"kleym-operator"')).map(decode)
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}

function decode(line: string): Audited {
  const entry = recordOf(JSON.parse(line))
  const object = recordOf(entry['objectRef'])
  return {
    verb: textOf(entry['verb']),
    resource: textOf(object['resource']),
    subresource: textOf(object['subresource']),
    namespace: textOf(object['namespace']),
    name: textOf(object['name']),
    dryRun: textOf(entry['requestURI']).includes('dryRun=All'),
    code: Number(recordOf(entry['responseStatus'])['code']),
    at: Date.parse(textOf(entry['requestReceivedTimestamp'])),
  }
}

const reads = new Set(['get', 'list', 'watch'])

/** A write that was meant and that took effect, other than to the operator's own Lease. */
export const tookEffect = ({ verb, resource, dryRun, code }: Audited): boolean =>
  !reads.has(verb) && !dryRun && code < 300 && resource !== 'leases'

/** In one line: `create clusterspiffeids`, `update inferenceidentitybindings/status`. */
export const told = ({ verb, resource, subresource, dryRun }: Audited): string =>
  `${dryRun ? 'dry run: ' : ''}${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`
