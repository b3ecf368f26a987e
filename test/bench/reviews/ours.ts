import { registrations } from '../../../src/operator/webhook-trust.ts'
import { caBundleIn, createAll, populate, startEmbeddedCluster } from '../cluster.ts'
import { referencesOf } from '../manifests.ts'
import { runOperator } from '../operator.ts'
import { cpuSecondsOf } from '../processes.ts'
import { condition } from '../waiting.ts'
import { answerAs } from '../worker.ts'
import { namespace } from './review.ts'

/** The operator, as users run it, beside an API server that has nothing to do but to have filled its caches. */
const [bindings, spare] = process.argv.slice(2).map(Number)
if (bindings === undefined || spare === undefined) throw new Error('usage: ours.ts BINDINGS SPARE')

const cluster = await startEmbeddedCluster()
await populate(cluster, namespace, bindings)
await createAll(cluster, referencesOf(namespace, spare, bindings))
const operator = await runOperator(cluster, { webhook: true })
await condition(async () => (await operator.metric('kleym_identity_bindings', /Reconciled/)) === bindings, {
  what: 'that all bindings are Ready',
  everyMs: 500,
})

const [{ resource, name }] = registrations
const registered = await cluster.objects.get(resource, { name })
const ca = registered.kind === 'done' ? caBundleIn(registered.object) : ''
const port = Number(new URL(operator.webhookUrl).port)

answerAs(async () => ({ port, ca, cpu: await cpuSecondsOf(operator.pid) }))
