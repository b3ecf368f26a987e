import { describe, expect, test } from 'vitest'
import { binding, objective, pool } from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'
import { bindingsIn, checked, listOf, live } from './checking.ts'

const good = [pool(), objective()]

const label = 'kleym.sonda.red/admission'
const labelled = (name: string, labels: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
})
const asks = { [label]: 'warn' }
const collision = [...good, binding(), binding({ name: 'rival' })]
const elsewhere = collision.map((one) => ({ ...one, metadata: { ...one.metadata, namespace: 'strict' } }))

/** Bindings that the CustomResourceDefinition refuses by rules of its own. */
const refusedByCrd: readonly (readonly [string, Manifest])[] = [
  ['UnsupportedMode', binding({ spec: { mode: 'x' } })],
  ['MissingObjectiveRef', binding({ spec: { objectiveRef: undefined } })],
  ['InvalidContainerName', binding({ spec: { containerName: undefined } })],
  ['InvalidContainerName', binding({ spec: { containerName: 'X_' } })],
  ['UnexpectedContainerName', binding({ spec: { mode: 'PoolOnly' } })],
  ['InvalidServiceAccountName', binding({ spec: { serviceAccountName: 'S_A' } })],
  ['InvalidPoolRef', binding({ spec: { poolRef: { name: ' ' } } })],
  ['InvalidPoolRef', binding({ spec: { poolRef: { name: 'chat', group: 'zz' } } })],
  ['InvalidObjectiveRef', binding({ spec: { objectiveRef: { name: '' } } })],
  ['InvalidObjectiveRef', binding({ spec: { objectiveRef: { name: 'chat', group: 'zz' } } })],
]

const inNamespace = (labels: Readonly<Record<string, string>> | undefined, ...objects: readonly unknown[]) =>
  checked(['--live', '-f', '-'], listOf(objects), {
    ...live(),
    readNamespace: (name) => Promise.resolve(name === 'default' ? labels : {}),
  })

/** The verdicts on the bindings that follow the first one. */
const outcomes = async (...objects: readonly unknown[]) =>
  bindingsIn((await checked(['-f', '-', '-o', 'json'], listOf([...good, binding(), ...objects]))).stdout)
    .slice(1)
    .map(({ verdict }) => verdict)

describe('a namespace whose label asks for warnings', () => {
  test('gets no refusals from its label in the cluster, for bindings and for pools', async () => {
    const { code, stdout } = await inNamespace(asks, ...collision)
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('0 denied, 1 warned') })
    const wild = await inNamespace(
      asks,
      binding(),
      objective(),
      pool({ selector: { matchLabels: { app: '' } } }),
    )
    expect(wild).toMatchObject({ code: 0, stdout: expect.stringContaining('0 denied, 2 warned') })
  })

  test.each([{}, { [label]: 'deny' }])('needs just that label, not %j', async (labels) => {
    expect(await inNamespace(labels, ...collision)).toMatchObject({ code: 2, stderr: '' })
  })

  test('is the only one', async () => {
    const { code, stdout } = await inNamespace(asks, ...collision, ...elsewhere)
    expect({ code, stdout }).toMatchObject({ code: 2, stdout: expect.stringContaining('1 denied, 1 warned') })
  })

  test('may be in the files, which count before the cluster where they write the label', async () => {
    const namespace = labelled('default', asks)
    expect(await checked(['-f', '-'], listOf([namespace, ...collision]))).toMatchObject({ code: 0 })
    expect(await checked(['-f', '-'], listOf([namespace, ...elsewhere]))).toMatchObject({ code: 2 })
    expect(await inNamespace(asks, labelled('default', { a: 'b' }), ...collision)).toMatchObject({
      code: 0,
    })
    expect(await inNamespace(asks, labelled('default', { [label]: 'no' }), ...collision)).toMatchObject({
      code: 2,
    })
  })

  test('is audited so too', async () => {
    const around = { ...live(...collision), readNamespace: () => Promise.resolve(asks) }
    expect(await checked(['--live'], '', around)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('all of this could be applied anew'),
    })
    expect(await checked(['--live'], '', live(...collision))).toMatchObject({ code: 2 })
  })

  test('the CustomResourceDefinition refuses what it refuses anywhere, of a List or not, and in an audit', async () => {
    for (const [reason, wrong] of refusedByCrd) {
      const objects = [...good, wrong]
      const inFiles = await checked(
        ['-f', '-', '-o', 'json'],
        listOf([labelled('default', asks), ...objects]),
      )
      const inCluster = await inNamespace(asks, ...objects)
      const audited = await checked(['--live'], '', {
        ...live(...objects),
        readNamespace: () => Promise.resolve(asks),
      })
      expect([reason, inFiles.code, inCluster.code, audited.code]).toEqual([reason, 2, 2, 2])
      expect(bindingsIn(inFiles.stdout)[0]).toMatchObject({
        verdict: 'deny',
        findings: expect.arrayContaining([expect.objectContaining({ reason, action: 'deny' })]),
      })
      expect(inCluster.stdout).toMatch(new RegExp(`^  deny .*${reason}`, 'm'))
      expect(audited.stdout).toContain('since the CustomResourceDefinition refuses it:\n  default/chat\n')
    }
  })

  test('what the CustomResourceDefinition lets pass is a warning beside what it refuses', async () => {
    const both = binding({ name: 'rival', spec: { serviceAccountName: 'server', containerName: 'main' } })
    const odd = binding({ name: 'odd', spec: { mode: 'PoolOnly', poolRef: { name: 'wide' } } })
    const wide = pool({ name: 'wide', selector: { matchLabels: { app: '' } } })
    const { stdout } = await inNamespace(asks, ...good, wide, binding(), both, odd)
    expect(stdout).toMatch(/^standard input:1: warn {2}default\/rival /m)
    expect(stdout).toMatch(
      /^ {2}warn spec\.poolRef\.name.*InvalidPoolSelector.*\n {2}deny spec\.containerName/m,
    )
  })

  test('an update that only leaves what was wrong already is a warning, as the rules of the definition have it', async () => {
    const wrong = binding({ spec: { containerName: 'Main' } })
    const { code } = await checked(['--live', '-f', '-'], listOf([wrong]), live(...good, wrong))
    expect(code).toBe(0)
  })

  test('counts from where its Namespace stands', async () => {
    const [rival, third] = [binding({ name: 'rival' }), binding({ name: 'third' })]
    const on = labelled('default', asks)
    const off = labelled('default', {})
    expect(await outcomes(on, rival)).toEqual(['warn'])
    expect(await outcomes(rival, on)).toEqual(['deny'])
    expect(await outcomes(on, rival, off, third)).toEqual(['warn', 'deny'])
    expect(await outcomes(on, rival, labelled('default', { [label]: 'no' }), third)).toEqual(['warn', 'deny'])
    expect(await outcomes(off, rival, on, third)).toEqual(['deny', 'warn'])
  })

  test('counts from where it stands beside the label in the cluster, too', async () => {
    const on = labelled('default', asks)
    expect(await inNamespace({}, ...collision, on)).toMatchObject({ code: 2 })
    expect(await inNamespace(asks, ...collision, labelled('default', {}))).toMatchObject({ code: 0 })
    // Of a Namespace that is written first, the cluster need not be asked.
    const unread = await inNamespace(undefined, on, ...collision)
    expect(unread).toMatchObject({ code: 0, stderr: '' })
    expect((await inNamespace(undefined, labelled('default', { [label]: 'no' }), ...collision)).stderr).toBe(
      '',
    )
  })

  test('that can not be read is judged without the label, which is said', async () => {
    const { code, stderr } = await inNamespace(undefined, ...collision)
    expect(code).toBe(2)
    expect(stderr).toContain(`without the label ${label} of Namespace default`)
  })
})
