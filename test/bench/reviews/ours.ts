import { registrationsOf } from '../../../certs/registration.ts'
import { registrations } from '../../support/webhook-names.ts'
import { createAll, populate, startEmbeddedCluster } from '../cluster.ts'
import { namespaceOf } from '../inventory.ts'
import { referencesOf } from '../manifests.ts'
import { runOperator } from '../operator.ts'
import { cpuSecondsOf } from '../processes.ts'
import { condition, range } from '../waiting.ts'
import { answerAs } from '../worker.ts'

/** The operator, as users run it, beside an API server that has nothing to do but to have filled its caches. */
const [known = '', others = '', looks, profile, program] = process.argv.slice(2)
const [bindings, spare] = [Number(known), Number(others)]
const home = (index: number): string => namespaceOf('spread', index)

const cluster = await startEmbeddedCluster()
await populate(cluster, bindings, home)
for (const index of range(spare, bindings))
  await createAll(cluster, referencesOf(home(index - bindings), 1, index))
const operator = await runOperator(cluster, {
  webhook: true,
  profile: profile === 'profile',
  args: [`--workloads=${looks === 'looks'}`],
  ...(program !== undefined && { program }),
})
await condition(async () => (await operator.metric('kleym_identity_bindings', /Reconciled/)) === bindings, {
  what: 'that all bindings are Ready',
  everyMs: 500,
  withinMs: 600_000,
})

const [{ resource, name }] = registrations
const registered = await cluster.objects.get(resource, { name })
const [{ caBundle: ca, token } = { caBundle: '', token: '' }] =
  registered.kind === 'done' ? registrationsOf(registered.object) : []
const port = operator.webhookPort

answerAs(async (question) =>
  question === 'end'
    ? { lines: (await operator.end()).join('\n') }
    : { port, ca, path: `/validate/${token}`, cpu: await cpuSecondsOf(operator.pid) },
)
