import { describe, expect, test } from 'vitest'
import { gvk } from '../../src/core/resources.ts'
import {
  admissionCases,
  reconcileCases,
  servedIn,
  type AdmissionCase,
  type ReconcileCase,
} from '../support/vectors.ts'
import { settledIn, verdictsOn, type CheckedBinding } from './checking.ts'

/** The reasons that the worked cases settle on and admission refuses by default. */
const denied = new Set([
  'InvalidPoolRef',
  'MissingObjectiveRef',
  'InvalidPoolSelector',
  'UnsupportedMode',
  'InvalidServiceAccountName',
  'InvalidContainerName',
  'UnexpectedContainerName',
  'IdentityCollision',
])

async function verdictsOf(one: ReconcileCase | AdmissionCase): Promise<readonly CheckedBinding[]> {
  const served = 'served' in one ? servedIn(one) : servedIn({})
  return verdictsOn(
    [...one.pools, ...one.objectives, ...one.otherBindings, one.binding],
    `--trust-domain=${one.trustDomain}`,
    `--clusterspiffeid-class-name=${one.className}`,
    `--served=${served.map(gvk).join(',')}`,
  )
}

describe('the worked cases, by kleym check', () => {
  test.each(reconcileCases)('$id $title', async (one) => {
    const bindings = await verdictsOf(one)
    const { otherExpect = {}, admission: _, ...expected } = one.expect
    const own = bindings.at(-1)
    expect(own && settledIn(own)).toMatchObject(expected)
    for (const [name, wanted] of Object.entries(otherExpect)) {
      const other = bindings.find((binding) => binding.name === name)
      expect(other && settledIn(other)).toMatchObject(wanted)
    }
  })

  test.each(reconcileCases)('$id $title: the verdict goes with the status', async (one) => {
    const own = (await verdictsOf(one)).at(-1)
    const isReady = one.expect.ready === 'True'
    const isForeseen = one.expect.admission === 'denied'
    const first = own?.findings.find(({ reason }) => !(isForeseen && reason === 'PendingCollision'))
    expect(own?.clusterSPIFFEID === null).toBe(!isReady)
    expect(isReady ? 'Reconciled' : first?.reason).toBe(one.expect.reason)
    expect(isReady ? 'Ready' : first?.condition).toBe(one.expect.condition)
    expect(!isReady && first?.action === 'deny').toBe(denied.has(one.expect.reason))
    expect(own?.verdict === 'deny').toBe(own?.findings.some(({ action }) => action === 'deny'))
    expect(isReady && own?.verdict === 'deny').toBe(isForeseen)
  })

  test.each(admissionCases)('$id $title', async (one) => {
    const own = (await verdictsOf(one)).at(-1)
    expect(own?.verdict !== 'deny').toBe(one.expect.admitted)
    expect(own?.mode).toBe(one.expect.stored?.['mode'] ?? own?.mode)
  })
})
