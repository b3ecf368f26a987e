import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { binding, objective, pool, poolOnly } from '../support/builders.ts'
import { bindingsIn, checked, folderWith, listOf, live } from './checking.ts'

const poolText = `\
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata:
  name: chat
spec:
  selector:
    matchLabels:
      app: chat
  targetPorts:
    - number: 8000
`

const bindingText = (name: string, rest = ''): string => `\
apiVersion: kleym.sonda.red/v1alpha1
kind: InferenceIdentityBinding
metadata:
  name: ${name}
spec:
  mode: PoolOnly
  poolRef:
    name: chat
  serviceAccountName: server
${rest}`

const files = {
  'a.yaml': poolText,
  'b.yaml': `${bindingText('fine')}---\n${bindingText('odd', '  containerName: main\n  extra: 1\n')}---\n${bindingText('early').replace('name: chat', 'name: later')}`,
}

/** Runs `check` on these files. The name of their folder is taken out of what is printed. */
async function reported(
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string }> {
  await using folder = await folderWith(files)
  const { code, stdout, stderr } = await checked(['-f', folder.path, ...argv])
  expect(stderr).toBe('')
  return { code, stdout: stdout.replaceAll(`file://${folder.path}`, '').replaceAll(folder.path, '') }
}

/** Where the fields are in the second file. */
const containerLine = 20
const extraLine = 21
const laterLine = 30

describe('the place of a verdict', () => {
  test('is its path and line in the text, and the last line says how many there are', async () => {
    const { code, stdout } = await reported()
    expect(code).toBe(2)
    expect(stdout).toMatch(/^\/b\.yaml:1: allow default\/fine \(PoolOnly\)$/m)
    expect(stdout).toMatch(/^\/b\.yaml:11: deny {2}default\/odd \(PoolOnly\)$/m)
    expect(stdout).toMatch(/^ {2}deny spec\.extra: unknown field "spec\.extra"$/m)
    expect(stdout).toMatch(/\n4 checked, 1 denied, 1 warned\n$/)
  })

  test('is in the JSON, of an object and of each finding', async () => {
    const { stdout } = await reported('-o', 'json')
    const odd = bindingsIn(stdout).find(({ name }) => name === 'odd')
    expect(odd).toMatchObject({ verdict: 'deny', file: '/b.yaml', line: 11 })
    expect(odd?.findings).toMatchObject([
      { reason: 'UnexpectedContainerName', line: containerLine },
      {
        condition: 'Schema',
        reason: 'UnknownField',
        field: 'spec.extra',
        action: 'deny',
        line: extraLine,
      },
    ])
    expect(JSON.parse(stdout)).toMatchObject({ summary: { checked: 4, denied: 1, warned: 1 } })
  })
})

describe('forms for continuous integration', () => {
  test('github: an annotation for each problem', async () => {
    const { code, stdout } = await reported('-o', 'github')
    expect(code).toBe(2)
    expect(stdout).toContain(
      `::error file=/b.yaml,line=${extraLine},title=UnknownField::spec.extra: unknown field "spec.extra"\n`,
    )
    expect(stdout).toMatch(
      new RegExp(`^::warning file=/b\\.yaml,line=${laterLine},title=TargetPoolNotFound::spec\\.poolRef`, 'm'),
    )
    expect(stdout).toMatch(/\n4 checked, 1 denied, 1 warned\n$/)
  })

  test('github: what would end a property or a line is escaped', async () => {
    await using folder = await folderWith({
      'a,b:100%.yaml': bindingText('x').replace('PoolOnly', '"a\\nb%"'),
    })
    const { stdout } = await checked(['-f', folder.path, '-o', 'github'])
    expect(stdout).toContain('a%2Cb%3A100%25.yaml,line=6,')
    expect(stdout).toContain(String.raw`spec.mode: Invalid value: "a\nb%25"`)
    expect(stdout.trimEnd().split('\n')).toHaveLength(3)
  })

  test('sarif: a result with its rule and place', async () => {
    const { stdout } = await reported('-o', 'sarif')
    const report: { readonly runs: readonly { readonly results: readonly unknown[] }[] } = JSON.parse(stdout)
    expect(report).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { name: 'kleym' } } }] })
    expect(report.runs[0]?.results).toContainEqual({
      ruleId: 'UnknownField',
      level: 'error',
      message: { text: 'spec.extra: unknown field "spec.extra"' },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: '/b.yaml' },
            region: { startLine: extraLine },
          },
        },
      ],
    })
  })

  test('junit: a case an object, a suite a file', async () => {
    const { stdout } = await reported('-o', 'junit')
    expect(stdout).toMatch(/^<\?xml version="1\.0"/)
    expect(stdout).toContain('<testsuite name="/a.yaml" tests="1" failures="0">')
    expect(stdout).toContain('<testsuite name="/b.yaml" tests="3" failures="1">')
    expect(stdout).toContain(
      '<testcase classname="InferenceIdentityBinding" name="default/fine" file="/b.yaml" line="1"/>',
    )
    expect(stdout).toContain('unknown field &quot;spec.extra&quot;</failure>')
    expect(stdout).toContain('<system-out>spec.poolRef.name: Not found')
    const strict = await reported('-o', 'junit', '--strict')
    expect(strict.stdout).toContain('<testsuite name="/b.yaml" tests="3" failures="2">')
  })
})

describe('an audit, whose bindings are in no file, names each binding and its namespace', () => {
  const rivals = ['a', 'b'].map((name) => binding({ name, namespace: 'team' }))
  const cluster = live(pool({ namespace: 'team' }), objective({ namespace: 'team' }), ...rivals)
  const audited = async (format: string): Promise<string> =>
    (await checked(['--live', '-o', format], '', cluster)).stdout

  test('github: at the beginning of the annotation', async () => {
    const stdout = await audited('github')
    for (const name of ['a', 'b'])
      expect(stdout).toContain(`::error title=IdentityCollision::team/${name}: spec.containerName: Duplicate`)
    expect(stdout).toMatch(/\n2 checked, 2 denied, 0 warned\n$/)
  })

  test('sarif: at the beginning of the message and as a logical location', async () => {
    const report: { readonly runs: readonly { readonly results: unknown }[] } = JSON.parse(
      await audited('sarif'),
    )
    expect(report.runs[0]?.results).toMatchObject(
      ['a', 'b'].map((name) => ({
        ruleId: 'IdentityCollision',
        message: { text: expect.stringMatching(new RegExp(`^team/${name}: spec\\.containerName: `)) },
        locations: [{ logicalLocations: [{ fullyQualifiedName: `team/${name}`, kind: 'resource' }] }],
      })),
    )
  })

  test('junit: as the name of the case', async () => {
    const stdout = await audited('junit')
    expect(stdout).toContain('<testsuite name="the cluster" tests="2" failures="2">')
    for (const name of ['a', 'b'])
      expect(stdout).toContain(`<testcase classname="InferenceIdentityBinding" name="team/${name}">`)
  })
})

describe('what is asked of the files', () => {
  test('--strict: a warning is a failure', async () => {
    const early = listOf([poolOnly({ spec: { poolRef: { name: 'later' } } })])
    expect(await checked(['-f', '-'], early)).toMatchObject({ code: 0 })
    expect(await checked(['-f', '-', '--strict'], early)).toMatchObject({ code: 2 })
    const fine = listOf([pool(), poolOnly()])
    expect(await checked(['-f', '-', '--strict'], fine)).toMatchObject({ code: 0 })
  })

  test('-R: the folders of a folder, too', async () => {
    await using folder = await folderWith({ 'b.yaml': poolText })
    await mkdir(folder.at('a/deep'), { recursive: true })
    await writeFile(join(folder.at('a/deep'), 'x.yml'), bindingText('x'))
    expect((await checked(['-f', folder.path])).stdout).toBe('1 checked, 0 denied, 0 warned\n')
    for (const flag of ['-R', '--recursive'])
      expect((await checked(['-f', folder.path, flag])).stdout).toMatch(
        /a\/deep\/x\.yml:1: allow default\/x[^]*\n2 checked, 0 denied, 0 warned\n$/,
      )
  })

  test('a pool that its schema refuses is refused, and bindings are judged as they will be once it is mended', async () => {
    const odd = { ...pool(), spec: { selector: { matchLabels: { app: 'a' } }, targetPort: [{ number: 1 }] } }
    const objects = [odd, poolOnly()]
    const { code, stdout } = await checked(['-f', '-', '-o', 'json'], listOf(objects))
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      references: [
        {
          kind: 'InferencePool',
          verdict: 'deny',
          consequences: [],
          findings: [
            { reason: 'UnknownField', message: 'unknown field "spec.targetPort"; did you mean targetPorts?' },
            { reason: 'FieldValueRequired', field: 'spec.targetPorts', message: 'Required value' },
          ],
        },
      ],
      bindings: [
        {
          verdict: 'allow',
          findings: [],
          willBe: { ready: false, reason: 'TargetPoolNotFound', clusterSPIFFEID: null },
        },
      ],
    })
  })

  test('a reference without a group to what is refused itself gets a hint that says so', async () => {
    const refused = pool({ group: 'inference.networking.x-k8s.io', selector: { app: '' } })
    const { stdout } = await checked(['-f', '-'], listOf([poolOnly(), refused]))
    expect(stdout).toContain('\n    there is one in group inference.networking.x-k8s.io, but it is refused\n')
  })

  test.each([
    ['a near miss', { name: 'chad' }, 'did you mean `chat`?'],
    [
      'another group',
      { name: 'chat', group: 'inference.networking.x-k8s.io' },
      'there is one in group inference.networking.k8s.io',
    ],
  ])('a name that leads to nothing and is %s gets a hint', async (_title, poolRef, hint) => {
    const { stdout } = await checked(['-f', '-'], listOf([pool(), poolOnly({ spec: { poolRef } })]))
    expect(stdout).toMatch(
      new RegExp(`^ {2}warn spec\\.poolRef\\.name: Not found.*\n {4}${RegExp.escape(hint)}$`, 'm'),
    )
    const json = await checked(['-f', '-', '-o', 'json'], listOf([pool(), poolOnly({ spec: { poolRef } })]))
    expect(bindingsIn(json.stdout)[0]?.findings[0]).toMatchObject({ reason: 'TargetPoolNotFound', hint })
  })

  test('what nobody serves is refused', async () => {
    const other = {
      apiVersion: 'kleym.sonda.red/v1',
      kind: 'InferenceIdentityBinding',
      metadata: { name: 'x' },
    }
    const { code, stdout } = await checked(['-f', '-', '-o', 'json'], listOf([other]))
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      objects: [{ version: 'v1', name: 'x', findings: [{ reason: 'NotServed' }] }],
    })
    const served = '--served=inference.networking.k8s.io/v1/InferencePool'
    const unserved = await checked(['-f', '-', served], listOf([pool(), objective({ group: 'llm-d.ai' })]))
    expect(unserved.code).toBe(2)
    expect(unserved.stdout).toContain(
      'deny no matches for kind "InferenceObjective" in version "llm-d.ai/v1alpha2"',
    )
  })

  test('the state that will be is that without what is refused', async () => {
    const [a, b] = [binding({ name: 'a' }), binding({ name: 'b' })]
    const { stdout } = await checked(['-f', '-', '-o', 'json'], listOf([pool(), objective(), a, b]))
    expect(bindingsIn(stdout)).toMatchObject([
      { name: 'a', clusterSPIFFEID: null, willBe: { ready: true, reason: 'Reconciled' } },
      { name: 'b', clusterSPIFFEID: null },
    ])
    expect(bindingsIn(stdout)[1]).not.toHaveProperty('willBe')
  })
})
