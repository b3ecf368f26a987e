import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runKubectl, type Kubectl } from '../controlplane/run-kubectl.ts'
import type { Endpoint } from '../embedded/client.ts'
import type { Json } from '../embedded/json.ts'
import { openSubject, widget } from './subject.ts'

const ready = JSON.stringify({
  status: { conditions: [{ type: 'Ready', status: 'True' }], ids: [{ id: 'x' }] },
})

/** What kubectl says in a session of the usual commands, with the names that differ from run to run made equal. */
export const kubectlSession = async (kubectl: Kubectl, endpoint: Endpoint): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'kubectl-'))
  const subject = await openSubject(endpoint)
  const said: string[] = []
  const run = async (args: readonly string[], input?: Json): Promise<void> => {
    const options = input === undefined ? {} : { input: JSON.stringify(input) }
    const inNamespace = [...args, '--namespace', subject.namespace]
    const { code, stdout, stderr } = await runKubectl({ ...kubectl, directory }, inNamespace, options)
    // The real server gives several causes in no fixed order.
    const errors = stderr.split('\n').toSorted().join('\n')
    said.push(`$ kubectl ${args.join(' ')}\n${stdout}${errors}\n[${code}]`)
  }
  const a = (spec: Json): Json => widget(subject, 'a', spec)
  const object = `widgets.${subject.group}/a`

  await run(['create', '-f', '-'], a({ size: 1, tags: ['x'] }))
  await run(['create', '-f', '-'], a({ size: 1 }))
  await run(['delete', object])
  await run(['apply', '-f', '-'], a({ size: 1, tags: ['x'] }))
  await run(['apply', '-f', '-'], a({ size: 1, tags: ['x'] }))
  await run(['apply', '-f', '-'], a({ size: 2 }))
  await run(['apply', '-f', '-', '--dry-run=server'], a({ size: 3 }))
  await run(['apply', '-f', '-'], a({ size: 2, junk: 1 }))
  await run(['create', '-f', '-'], widget(subject, 'b', { size: 2, junk: 1 }))
  await run(['apply', '-f', '-'], a({ size: 99, color: 'pink' }))
  await run(['label', object, 'l=1'])
  await run(['annotate', object, 'n=1'])
  await run(['patch', object, '--type=merge', '-p', '{"spec":{"size":5}}'])
  await run(['patch', object, '--subresource=status', '--type=merge', '-p', ready])
  await run(['wait', object, '--for=condition=Ready', '--timeout=10s'])
  await run(['get', object])
  await run(['get', object, '-o', 'jsonpath={.spec} {.status} {.metadata.labels} {.metadata.generation}'])
  await run(['get', `widgets.${subject.group}`, '-o', 'name'])
  await run(['api-resources', `--api-group=${subject.group}`])
  await run(['delete', object])
  await run(['get', object])
  await run(['get', `widgets.${subject.group}`])

  await subject.close()
  await rm(directory, { recursive: true })
  return said
    .join('\n')
    .replaceAll(subject.group, 'GROUP')
    .replaceAll(subject.namespace, 'NAMESPACE')
    .replaceAll(/Invalid value: "\{.*\}"/g, 'Invalid value: OBJECT')
}
