import { until } from '../../support/cluster.ts'
import type { Site } from './site.ts'

/** Everything in the cluster, as `Kind namespace/name`, but for events, which expire by themselves. */
export async function everything({ kubectl }: Pick<Site, 'kubectl'>): Promise<readonly string[]> {
  const kinds = await kindsOf(kubectl, '--verbs=list')
  const shown = await kubectl('get', kinds.join(), '--all-namespaces', '--ignore-not-found', `-o=${format}`)
  return shown.split('\n').filter((line) => line !== '')
}

const format = 'jsonpath={range .items[*]}{.kind}{" "}{.metadata.namespace}{"/"}{.metadata.name}{"\\n"}{end}'

async function kindsOf(
  kubectl: Site['kubectl'],
  ...selection: readonly string[]
): Promise<readonly string[]> {
  const names = await kubectl('api-resources', '-o', 'name', ...selection)
  return names.split('\n').filter((name) => name !== '' && !/^events\b/.test(name))
}

/**
 * What the namespace controller does, which is not here, with a namespace that is being deleted: deletes all that is
 * in it, and lets it go once nothing is left.
 */
export async function finishNamespace({ kubectl, cluster }: Site, name: string): Promise<void> {
  const kinds = await kindsOf(kubectl, '--namespaced', '--verbs=list,delete')
  await kubectl('delete', [...kinds, 'events'].join(), '--all', '-n', name, '--wait=false')
  await until(`nothing is left in ${name}`, async () => {
    const left = await kubectl('get', kinds.join(), '-n', name, '--ignore-not-found', '-o', 'name')
    return left.trim() === ''
  })
  const reply = await cluster.client.put(`/api/v1/namespaces/${name}/finalize`, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
    spec: { finalizers: [] },
  })
  if (reply.code !== 200) throw new Error(JSON.stringify(reply.body))
}
