import { describe, expect, test } from 'vitest'
import type { ReadPods } from '../../src/cli/cluster.ts'
import { reportFormats } from '../../src/cli/formats.ts'
import type { CommandResult } from '../../src/result.ts'
import { binding, clusterSpiffeId, objective, pool, poolOnly } from '../support/builders.ts'
import type { PodOptions } from '../support/pods.ts'
import type { Manifest } from '../support/vectors.ts'
import { bindingsIn, checked, listOf, live, type CheckedBinding } from './checking.ts'
import { operator, readPodsOf } from './looking.ts'

const good = [pool(), objective()]
const other: PodOptions = { account: 'other' }

type Scene = {
  readonly files?: readonly unknown[]
  readonly cluster?: readonly Manifest[]
  readonly pods?: readonly PodOptions[] | 'forbidden'
  readonly flags?: readonly string[]
  readonly around?: Parameters<typeof checked>[2]
}

/** `check --live` of files or, without files, the audit. */
const beside = ({ files, cluster = good, pods = [], flags = [], around }: Scene): Promise<CommandResult> =>
  checked(['--live', ...(files ? ['-f', '-'] : []), ...flags], listOf(files ?? []), {
    ...live(...cluster),
    readPods: readPodsOf(pods),
    ...around,
  })

const judged = async (scene: Scene): Promise<readonly CheckedBinding[]> => {
  const { stdout, stderr } = await beside({ ...scene, flags: ['-o', 'json', ...(scene.flags ?? [])] })
  if (stdout === '') throw new Error(stderr)
  return bindingsIn(stdout)
}

const told = (all: readonly CheckedBinding[]): readonly string[] =>
  all.flatMap(({ name, findings }) => findings.map(({ reason, action }) => `${name} ${action} ${reason}`))

/** A reader of pods that notes the namespaces which are asked for. */
function noting(pods: readonly PodOptions[] | 'forbidden' = []) {
  const asked: string[] = []
  const readPods: ReadPods = (at) => {
    asked.push(at.namespace)
    expect(at.pairs).toBe('any')
    return readPodsOf(pods)(at)
  }
  return { asked, readPods }
}

describe('beside a cluster, the pods that are there are looked at', () => {
  test.each<readonly [string, Manifest, readonly PodOptions[], readonly string[]]>([
    ['no pod runs as the account', binding(), [other], ['chat warn NoSuchServiceAccount']],
    [
      'both are wrong',
      binding(),
      [{ ...other, containers: ['z'] }],
      ['chat warn NoSuchServiceAccount', 'chat warn NoSuchContainer'],
    ],
    ['no pod has the container', binding(), [{ containers: ['z'] }], ['chat warn NoSuchContainer']],
    ['a pod fits', binding(), [other, { name: 'chat-1' }], []],
    ['there are none', binding(), [], []],
    ['those of another pool do not count', binding(), [{ ...other, labels: { app: 'x' } }], []],
    ['PoolOnly: containers do not count', poolOnly({ name: 'chat' }), [{ containers: ['z'] }], []],
  ])('for a binding of the files: %s', async (_title, one, pods, expected) => {
    expect(told(await judged({ files: [one], pods }))).toEqual(expected)
  })

  test.each<readonly [string, Manifest, readonly PodOptions[], readonly string[]]>([
    ['no pod runs as the account', binding(), [other], ['chat warn NoSuchServiceAccount']],
    ['no pod has the container', binding(), [{ containers: ['z'] }], ['chat warn NoSuchContainer']],
    ['a pod fits', binding(), [{}], []],
  ])('for a binding of an audit: %s', async (_title, one, pods, expected) => {
    expect(told(await judged({ cluster: [...good, one], pods }))).toEqual(expected)
  })

  test.each(['files', 'audit'])('a fallback that gives way is named, too: %s', async (door) => {
    const fallback = clusterSpiffeId('everyone', {}, { spiffeIDTemplate: 'spiffe://x/y', fallback: true })
    const cluster = [...good, fallback]
    const scene = door === 'files' ? { files: [binding()], cluster } : { cluster: [...cluster, binding()] }
    expect(told(await judged({ ...scene, pods: [{}] }))).toEqual(['chat warn FallbackSuppressed'])
  })

  test('what is said is what the webhook says, in each form, and a warning for --strict', async () => {
    const words = 'spec.serviceAccountName "server": no pod of the pool runs as it, of 1 that are there'
    const scene = { files: [binding()], pods: [other] }
    const { code, stdout } = await beside(scene)
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('1 warned') })
    expect(stdout).toContain(`  warn spec.serviceAccountName: Not found: "server": `)
    expect(await beside({ ...scene, flags: ['--strict'] })).toMatchObject({ code: 2 })
    for (const format of reportFormats.filter((one) => one !== 'yaml'))
      expect(
        (await beside({ ...scene, flags: ['-o', format] })).stdout.replaceAll(/\\"|&quot;/g, '"'),
      ).toContain(words)
  })

  test('a namespace is listed once, however many bindings it has, and only for bindings that are allowed', async () => {
    const { asked, readPods } = noting()
    const many = ['a', 'b', 'c'].map((name) =>
      binding({ name, spec: { containerName: name, serviceAccountName: name } }),
    )
    const refused = binding({ namespace: 'refused', spec: { mode: 'x' } })
    const files = [...many, binding({ namespace: 'team' }), refused]
    await beside({ files, around: { readPods } })
    expect(asked.toSorted()).toEqual(['default', 'team'])
  })

  test('an audit lists each namespace once, many at a time', async () => {
    const { asked, readPods } = noting()
    const namespaces = Array.from({ length: 30 }, (_, at) => `n${at}`)
    const cluster = namespaces.flatMap((namespace) => [
      binding({ namespace }),
      binding({ name: 'second', namespace, spec: { containerName: 'side' } }),
    ])
    await beside({ cluster, around: { readPods } })
    expect(asked.toSorted()).toEqual(namespaces.toSorted())
  })

  test('without a cluster nobody looks', async () => {
    const { asked, readPods } = noting([other])
    const { stdout } = await checked(['-f', '-'], listOf([...good, binding()]), { readPods })
    expect(stdout).toContain('allow default/chat')
    expect(asked).toEqual([])
  })

  test('nor where the operator says that it does not, and that is said', async () => {
    const sight = operator()
    if (sight.kind !== 'seen' || !sight.status) throw new Error('the operator says nothing')
    const { configuration, health } = sight.status
    const readOperatorThat = (flags: Readonly<Record<string, unknown>>) => () =>
      Promise.resolve({ ...sight, status: { health, configuration: { ...configuration, flags } } })
    const { asked, readPods } = noting([other])
    const around = { readPods, readOperator: readOperatorThat({ workloads: false }) }
    const { stdout } = await beside({ files: [binding()], around })
    expect(stdout).toContain('allow default/chat')
    expect(stdout).toContain(', without a look at pods\n')
    expect(asked).toEqual([])
    const looking = { readPods, readOperator: readOperatorThat({ workloads: true }) }
    expect((await beside({ files: [binding()], around: looking })).stdout).toContain('NoSuchServiceAccount')
  })

  test('a missing permission is said once, and is no failure', async () => {
    const namespaces = ['default', 'team', ...Array.from({ length: 10 }, (_, at) => `n${at}`)]
    const files = namespaces.map((namespace) => binding({ namespace }))
    const { code, stderr } = await beside({ files, pods: 'forbidden' })
    expect(code).toBe(0)
    expect(stderr.match(/listing pods/g)).toHaveLength(1)
    expect(stderr).toContain(
      'kleym: goes on without the pods of namespaces default, team, n0, n1, n2, n3, n4, n5, n6, n7 and 2 more: listing pods: 403\n',
    )
    expect((await beside({ files: [binding()], pods: 'forbidden' })).stderr).toContain(
      'kleym: goes on without the pods of namespace default: listing pods: 403\n',
    )
  })
})

describe('advice on pods', () => {
  const refusing = ['--webhook-action', 'NoSuchServiceAccount=deny']

  test('is given on what is there when the binding comes, so not before its pool', async () => {
    expect(told(await judged({ files: [binding(), ...good], cluster: [], pods: [other] }))).not.toContain(
      'chat warn NoSuchServiceAccount',
    )
  })

  test('is not given beside a refusal, by admission or by the schema', async () => {
    const rival = binding({ name: 'rival' })
    const fine = poolOnly({ name: 'fine' })
    const refused = told(await judged({ files: [fine, rival], cluster: [...good, binding()], pods: [other] }))
    expect(refused).toContain('fine warn NoSuchServiceAccount')
    expect(refused.filter((one) => one.startsWith('rival'))).toEqual(['rival deny IdentityCollision'])
    const audited = told(await judged({ cluster: [...good, fine, binding(), rival], pods: [other] }))
    expect(audited).toContain('fine warn NoSuchServiceAccount')
    expect(audited.filter((one) => one.startsWith('rival'))).toEqual(['rival deny IdentityCollision'])
    const odd = binding({ name: 'odd', spec: { nope: 1 } })
    const reasons = told(await judged({ files: [odd, fine], pods: [other] }))
    expect(reasons).toContain('fine warn NoSuchServiceAccount')
    expect(reasons).not.toContain('odd warn NoSuchServiceAccount')
  })

  test('can refuse, and then the container is free for the next binding', async () => {
    const second = binding({ name: 'second', spec: { serviceAccountName: 'other' } })
    const scene = { files: [binding(), second], pods: [other], flags: refusing }
    expect(told(await judged(scene)).filter((one) => one.includes('deny'))).toEqual([
      'chat deny NoSuchServiceAccount',
    ])
    const rival = binding({ name: 'rival', spec: { serviceAccountName: 'server' } })
    expect(told(await judged({ ...scene, files: [binding(), rival] }))).toEqual([
      'chat deny NoSuchServiceAccount',
      'rival deny NoSuchServiceAccount',
    ])
    const { code, stdout } = await beside({ cluster: [...good, binding()], pods: [other], flags: refusing })
    expect(code).toBe(2)
    expect(stdout).toContain('could not be applied anew')
  })

  test('refuses only what is new: an edit that leaves the account passes with a warning', async () => {
    const cluster = [...good, binding()]
    const edited = binding({ spec: { mode: 'PoolOnly', objectiveRef: undefined, containerName: undefined } })
    expect(told(await judged({ files: [edited], cluster, pods: [other], flags: refusing }))).toEqual([
      'chat warn NoSuchServiceAccount',
    ])
    const moved = binding({ spec: { serviceAccountName: 'third' } })
    expect(told(await judged({ files: [moved], cluster, pods: [other], flags: refusing }))).toEqual([
      'chat deny NoSuchServiceAccount',
    ])
  })

  test('refuses nothing where the label of the namespace asks for warnings', async () => {
    const around = { readNamespace: () => Promise.resolve({ 'kleym.sonda.red/admission': 'warn' }) }
    const scene = { pods: [other], flags: refusing, around }
    expect(told(await judged({ ...scene, files: [binding()] }))).toEqual(['chat warn NoSuchServiceAccount'])
    expect(told(await judged({ ...scene, cluster: [...good, binding()] }))).toEqual([
      'chat warn NoSuchServiceAccount',
    ])
  })

  test('is not given on a binding that is being deleted', async () => {
    const leaving = binding({
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['example.org/keep'] },
    })
    const { asked, readPods } = noting([other])
    expect(told(await judged({ cluster: [...good, leaving], around: { readPods } }))).toEqual([])
    expect(asked).toEqual([])
  })
})
