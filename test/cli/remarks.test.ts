import { describe, expect, test } from 'vitest'
import { reportFormats } from '../../src/cli/formats.ts'
import { binding, objective, pool } from '../support/builders.ts'
import { checked, listOf, verdictsOn } from './checking.ts'

const annotation = 'kleym.sonda.red/replaces'
const good = [pool(), objective(), objective({ name: 'other' })]
const renamed = (spec = {}) =>
  binding({ name: 'chat-v2', metadata: { annotations: { [annotation]: 'chat' } }, spec })
const takesPlace = 'this binding takes its place'
const fix =
  'give this binding, or the one that the refusal names, another container, pool or service account; or, if this binding is only a new name'

/** The report and, of `-o yaml`, what is printed beside the ClusterSPIFFEIDs. */
const printed = async (objects: readonly unknown[], ...argv: readonly string[]): Promise<string> => {
  const { stdout, stderr } = await checked(['-f', '-', ...argv], listOf(objects))
  return stdout + stderr
}

describe('what admission says beside its findings', () => {
  test('of a binding that replaces another one is a warning, as in kubectl', async () => {
    const objects = [...good, binding(), renamed()]
    expect(await printed(objects)).toContain(
      `  warn metadata.annotations[${annotation}]: "chat": ${takesPlace}`,
    )
    expect(await checked(['-f', '-'], listOf(objects))).toMatchObject({ code: 0 })
    expect(await checked(['-f', '-', '--strict'], listOf(objects))).toMatchObject({ code: 2 })
    const [, verdict] = await verdictsOn(objects)
    expect(verdict).toMatchObject({
      verdict: 'warn',
      findings: [
        {
          condition: 'Conflict',
          reason: 'Replacement',
          action: 'warn',
          field: `metadata.annotations[${annotation}]`,
          value: 'chat',
          message: expect.stringContaining(takesPlace),
        },
      ],
    })
  })

  test('of one that takes the place of another is that a third one has to go first', async () => {
    const third = binding({ name: 'chat-v3', metadata: { annotations: { [annotation]: 'chat-v2' } } })
    expect(await printed([...good, binding(), renamed(), third])).toContain(
      'since this binding takes the place of "chat-v2" and of no other one, delete the one that the refusal names first',
    )
  })

  test('of one that stands for something else is that it has no effect', async () => {
    const other = renamed({ objectiveRef: { name: 'other' }, containerName: 'side' })
    expect(await printed([...good, binding(), other])).toContain('"chat": has no effect')
  })

  test('of one whose namesake is not there is nothing', async () => {
    expect(await verdictsOn([...good, renamed()])).toMatchObject([{ verdict: 'allow', findings: [] }])
  })

  test('of the replaced one that comes after it is that both stay', async () => {
    const [, verdict] = await verdictsOn([...good, renamed(), binding()])
    expect(verdict).toMatchObject({
      verdict: 'warn',
      findings: [{ reason: 'Replaced', field: 'metadata.name', message: expect.stringContaining('chat-v2') }],
    })
  })

  test('of a collision that is let through is who loses its identity', async () => {
    const objects = [...good, binding(), binding({ name: 'rival' })]
    const said = await printed(objects, '--webhook-action', 'IdentityCollision=warn')
    expect(said).toContain('  warn InferenceIdentityBinding chat loses its identity by this collision\n')
    expect(await printed(objects)).not.toContain('loses its identity by this collision')
  })

  const spoken = reportFormats.filter((format) => format !== 'yaml')

  test.each(spoken)('stands in -o %s', async (format) => {
    expect(await printed([...good, binding(), renamed()], '-o', format)).toContain(takesPlace)
  })
})

describe('what to do about a refused collision', () => {
  test.each(reportFormats)('stands in -o %s', async (format) => {
    expect(await printed([...good, binding(), binding({ name: 'rival' })], '-o', format)).toContain(fix)
  })

  test.each(reportFormats.filter((format) => format !== 'yaml'))(
    'stands in -o %s where a pool completes it',
    async (format) => {
      const objects = [
        objective(),
        pool({ name: 'early' }),
        objective({ name: 'its', poolRef: { name: 'early' } }),
        binding({ name: 'rival', spec: { poolRef: { name: 'early' }, objectiveRef: { name: 'its' } } }),
        binding(),
        pool(),
      ]
      expect(await printed(objects, '-o', format)).toContain(
        'give this pool other labels, or all but one of the bindings that the refusal names another container or service account',
      )
    },
  )
})
