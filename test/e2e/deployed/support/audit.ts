import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordOf, textOf } from '../../../support/embedded/json.ts'

/** One request of the operator's, as the API server authorized it. */
export type Authorized = {
  readonly user: string
  readonly verb: string
  readonly group: string
  /** With its subresource, if it has one: `pods/status` */
  readonly resource: string
  readonly namespace: string
  /** That of the field selector where a list or a watch has one. */
  readonly name: string
  readonly decision: string
  /** Which role allowed it. */
  readonly reason: string
}

export type AuthorizationLog = {
  /** Flags of kube-apiserver. */
  readonly flags: readonly string[]
  readonly requests: () => Promise<readonly Authorized[]>
  readonly remove: () => Promise<void>
}

const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  // Watches are written down when they start: these don't end.
  omitStages: ['RequestReceived'],
  rules: [{ level: 'None', users: ['system:apiserver'] }, { level: 'Metadata' }],
}

/** The API server blocks on each line, so that what was answered is in the file. */
export async function createAuthorizationLog(): Promise<AuthorizationLog> {
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

function decode(line: string): Authorized {
  const entry = recordOf(JSON.parse(line))
  const object = recordOf(entry['objectRef'])
  const annotations = recordOf(entry['annotations'])
  const parts = [object['resource'], object['subresource']].filter((part) => part !== undefined)
  return {
    user: textOf(recordOf(entry['user'])['username']),
    verb: textOf(entry['verb']),
    group: textOf(object['apiGroup']),
    resource: parts.map(textOf).join('/'),
    namespace: textOf(object['namespace']),
    name: textOf(object['name']),
    decision: textOf(annotations['authorization.k8s.io/decision']),
    reason: textOf(annotations['authorization.k8s.io/reason']),
  }
}

export const told = ({ verb, group, resource, namespace, name }: Authorized): string =>
  `${verb} ${[resource, group].filter(Boolean).join('.')} ${namespace}/${name}`
