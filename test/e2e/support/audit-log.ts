import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordOf, type Json } from '../../support/embedded/json.ts'

export type AuditLog<Entry> = {
  /** Flags of kube-apiserver. */
  readonly flags: readonly string[]
  /** What the operator asked for, in the order in which it was written down. */
  readonly requests: () => Promise<readonly Entry[]>
  readonly remove: () => Promise<void>
}

/**
 * An audit log of a kube-apiserver. The API server blocks on each line, so that what was answered is in the file.
 *
 * @param omitStages the stages of a request that are not written down
 */
export async function createAuditLog<Entry>(
  omitStages: readonly ('RequestReceived' | 'ResponseStarted')[],
  decode: (entry: Json) => Entry,
): Promise<AuditLog<Entry>> {
  const directory = await mkdtemp(join(tmpdir(), 'audit-'))
  const [policyFile, log] = [join(directory, 'policy'), join(directory, 'log')]
  const policy = {
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages,
    rules: [{ level: 'None', users: ['system:apiserver'] }, { level: 'Metadata' }],
  }
  await writeFile(policyFile, JSON.stringify(policy))
  return {
    flags: [`--audit-policy-file=${policyFile}`, `--audit-log-path=${log}`],
    requests: async () =>
      (await readFile(log, 'utf8'))
        .split('\n')
        .filter((line) => line.includes('"userAgent":"kleym-operator"'))
        .map((line) => decode(recordOf(JSON.parse(line)))),
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}
