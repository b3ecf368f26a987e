import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { byBytes } from '../../../../src/core/names.ts'
import { bindingResource, crdName, definitionResource } from '../../../../src/core/resources.ts'
import { chart } from '../../../deploy/chart.ts'
import { at, listAt, manifestsIn, podTemplateOf, type Manifests } from '../../../deploy/manifests.ts'
import { listOf, recordOf } from '../../../support/embedded/json.ts'
import { gitOpsBinaries } from '../../../support/real.ts'
import { runProgram, type ProgramResult } from '../../../support/run-program.ts'
import { must } from '../../gitops/tenant.ts'
import { formerDefinition } from '../../loop/support/former.ts'
import { everything } from '../support/leftovers.ts'
import type { RunningPod, Site } from '../support/site.ts'
import { serveAsStubs } from '../support/stubs.ts'
import { isCalledByItsServices, judges, makeWay } from './refusal.ts'

const namespace = 'spiffe'
const release = 'identities'
const set = ['--set', 'trustDomain=example.org']
const managed = { 'app.kubernetes.io/managed-by': 'Helm' }

export function chartSuite(site: () => Site): void {
  let older: string
  let pod: RunningPod | undefined
  /** The objects that were there before the chart was installed. */
  let others: ReadonlyMap<string, string>

  beforeAll(async () => {
    older = await olderChart(site().cluster.plane.directory)
    await serveAsStubs(site().cluster, 'monitoring.coreos.com', ['ServiceMonitor'])
    others = await everything(site().cluster)
  })
  afterAll(async () => {
    await pod?.stop('SIGKILL')
    await rm(older, { recursive: true })
  })

  const helm = (...args: readonly string[]): Promise<ProgramResult> => {
    const { kubeconfig, directory } = site().cluster.plane
    return runProgram(gitOpsBinaries().helm, [...args, '--namespace', namespace], {
      env: { KUBECONFIG: kubeconfig, HOME: directory },
    })
  }
  const succeeds = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await must(helm(...args))
    return stdout + stderr
  }
  const released = async (): Promise<Manifests> => manifestsIn(await succeeds('get', 'manifest', release))
  const live = async (kind: string, name: string): Promise<unknown> =>
    JSON.parse(await site().kubectl('get', kind, name, '-n', namespace, '-o', 'json'))
  const columns = async (): Promise<readonly unknown[]> => {
    const definition = await site().cluster.find(definitionResource, { name: crdName(bindingResource) })
    const [version] = listAt(definition, 'spec', 'versions')
    return listAt(version, 'additionalPrinterColumns').map(({ name }) => name)
  }

  test('install says how to see that it is ready and how to remove it, and the operator judges bindings', async () => {
    let said = ''
    const apply = async () => {
      said = await succeeds('install', release, older, '--create-namespace', ...set)
    }
    const { stdout: rendered } = await must(helm('template', release, older, ...set))
    await site().install({ manifests: manifestsIn(rendered), apply })
    expect(said).toContain(`kubectl rollout status deployment/kleym-operator -n ${namespace}`)
    expect(said).toContain('delete the bindings first')
    expect(said).toContain('Its ClusterSPIFFEIDs have no class.')
    pod = await site().start(await released())
    await judges(site())
    await isCalledByItsServices(site(), await released())
  })

  test('upgrade changes what is set, and the CustomResourceDefinition; nobody is let through meanwhile', async () => {
    expect(await columns()).not.toContain('Age')
    await succeeds('upgrade', release, chart, ...set, '--set', 'replicas=3,serviceMonitor.enabled=true')
    expect(await columns()).toContain('Age')
    expect(at(await live('deployment', 'kleym-operator'), 'spec', 'replicas')).toBe(3)
    expect(at(await live('servicemonitor', 'kleym-operator'), 'spec', 'endpoints')).toBeDefined()
    await judges(site())
  })

  test('upgrade with nothing new writes none of the objects', async () => {
    const before = await standing()
    await succeeds('upgrade', release, chart, '--reuse-values')
    expect(await standing()).toEqual(before)
  })

  test('rollback puts back what was set', async () => {
    await succeeds('rollback', release, '1')
    expect(at(await live('deployment', 'kleym-operator'), 'spec', 'replicas')).toBe(2)
    expect(podTemplateOf(await released())).toBeDefined()
    await judges(site())
  })

  /** All objects, without those that the operator writes all the time and without Helm's own records. */
  const standing = async () =>
    Object.fromEntries(
      [...(await everything(site().cluster))].filter(
        ([object]) => !/^(?:Lease|Secret) |\/kleym-operator-status$/.test(object),
      ),
    )

  test('uninstall says that it keeps the CustomResourceDefinition, and keeps nothing else', async () => {
    const manifests = await released()
    await site().kubectl('delete', bindingResource.plural, '--all', '--all-namespaces', '--timeout=30s')
    const said = await succeeds('uninstall', release)
    expect(said).toContain('kept due to the resource policy')
    expect(said).toContain(crdName(bindingResource))
    await pod?.stop('SIGKILL')
    pod = undefined
    await makeWay(site(), manifests)
    const now = [...(await everything(site().cluster)).keys()]
    const left = now.filter((object) => !others.has(object) && !isOfTests(object))
    expect(left.toSorted(byBytes)).toEqual([
      // The APIService by which the API server serves the kind.
      'APIService /v1alpha1.kleym.sonda.red',
      // The ConfigMap and the Secret that the operator wrote, which go with their namespace.
      `ConfigMap ${namespace}/kleym-operator-status`,
      `CustomResourceDefinition /${crdName(bindingResource)}`,
      `Namespace /${namespace}`,
      `Secret ${namespace}/kleym-operator-webhook-cert`,
    ])
  })

  test('install takes the CustomResourceDefinition over that was kept', async () => {
    const said = await succeeds('install', release, chart, ...set)
    expect(said).toContain('STATUS: deployed')
    await succeeds('uninstall', release)
  })

  test('install takes that of the former operator over where it is told to, and upgrades it', async () => {
    await asTheFormerOperatorLeavesIt()
    const refused = await helm('install', release, chart, ...set)
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.stderr).toContain('invalid ownership metadata')
    const taking = ['--take-ownership', '--force-conflicts']
    expect(await succeeds('install', release, chart, ...set, ...taking)).toContain('STATUS: deployed')
    expect(await columns()).toContain('Age')
    expect(await live('clusterrole', 'kleym-manager-role')).toMatchObject({ metadata: { labels: managed } })
    await succeeds('upgrade', release, chart, '--reuse-values')
    await succeeds('uninstall', release)
  })

  /** Its CustomResourceDefinition in the place of ours, and a role of the same name as ours, both applied by kubectl. */
  async function asTheFormerOperatorLeavesIt(): Promise<void> {
    const { kubectl } = site().cluster
    await site().kubectl('delete', 'crd', crdName(bindingResource), '--timeout=60s')
    const rules = [{ apiGroups: ['kleym.sonda.red'], resources: ['*'], verbs: ['*'] }]
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', rules }
    for (const one of [formerDefinition('v0.9.0'), { ...role, metadata: { name: 'kleym-manager-role' } }]) {
      const applied = await kubectl(['apply', '-f', '-'], { input: JSON.stringify(one) })
      expect(applied).toMatchObject({ code: 0 })
    }
  }
}

/** The namespaces in which bindings were judged, and what was put into them. */
const isOfTests = (object: string): boolean => / \/?serving-/.test(object)

/** The chart as an earlier version may have been: whole, but the CustomResourceDefinition lacks a column. */
async function olderChart(scratch: string): Promise<string> {
  const directory = await mkdtemp(join(scratch, 'older-'))
  await cp(chart, directory, { recursive: true, dereference: true })
  const file = join(directory, 'files/crd/inferenceidentitybindings.yaml')
  const definition = recordOf(parse(await readFile(file, 'utf8')))
  const spec = recordOf(definition['spec'])
  const versions = listOf(spec['versions'])
    .map(recordOf)
    .map((version) => ({
      ...version,
      additionalPrinterColumns: listOf(version['additionalPrinterColumns']).filter(
        (column) => recordOf(column)['name'] !== 'Age',
      ),
    }))
  await writeFile(file, stringify({ ...definition, spec: { ...spec, versions } }))
  return directory
}
