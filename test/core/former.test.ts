import { describe, expect, test } from 'vitest'
import { decodeBinding } from '../../src/core/binding.ts'
import { decodeOutput, type Output } from '../../src/core/clusterspiffeid.ts'
import { formerSettings, type Departures } from '../../src/core/former.ts'
import type { Settings } from '../../src/core/identity.ts'
import type { JsonObject } from '../../src/core/json.ts'
import { KeptSettings } from '../../src/core/kept-settings.ts'
import {
  binding,
  inventoryOf,
  objective,
  pool,
  removed,
  renderedFrom,
  upserted,
} from '../support/builders.ts'
import type { Manifest } from '../support/vectors.ts'

const configured: Settings = { trustDomain: 'new.org', className: undefined }
const nothing: Departures = { trustDomains: [], classNames: [] }
const world = [pool(), objective(), binding()]

/** The ClusterSPIFFEID that an operator with these settings leaves. */
const renderedBy = (settings: Partial<Settings>): Manifest => {
  const rendered = renderedFrom(binding(), inventoryOf(world, settings))
  return { ...rendered, metadata: { ...rendered.metadata, uid: 'u' } }
}
const withSpec = (one: Manifest, spec: JsonObject): Manifest => ({
  ...one,
  spec: { ...Object(one.spec), ...spec },
})
const unannotated = (one: Manifest): Manifest => ({ ...one, metadata: { ...one.metadata, annotations: {} } })
const said = (settings: Settings): JsonObject => ({
  conditions: [{ type: 'Ready', status: 'True' }],
  trustDomain: settings.trustDomain,
  ...(settings.className !== undefined && { clusterSPIFFEIDClassName: settings.className }),
})

const former = (
  outputs: readonly Manifest[],
  {
    status = {},
    settings = configured,
    departures = nothing,
  }: {
    readonly status?: JsonObject
    readonly settings?: Settings
    readonly departures?: Departures
  } = {},
): Settings | undefined =>
  formerSettings(
    decodeBinding({ ...binding(), status }),
    outputs.map((one): Output => decodeOutput(one)),
    settings,
    departures,
  )

const old = renderedBy({ trustDomain: 'old.org' })
const right = renderedBy(configured)

describe('another trust domain than the configured one', () => {
  test('is kept, by the ClusterSPIFFEID or by the status', () => {
    expect(former([old])).toEqual({ trustDomain: 'old.org', className: undefined })
    expect(former([unannotated(old)])).toEqual({ trustDomain: 'old.org', className: undefined })
    const status = said({ trustDomain: 'old.org', className: undefined })
    const edited = withSpec(old, { spiffeIDTemplate: 'spiffe://evil.org/x' })
    expect(former([edited], { status })).toEqual({ trustDomain: 'old.org', className: undefined })
    // If the new output was refused, the status already has the new settings.
    expect(former([old], { status: said(configured) })).toBeDefined()
  })

  test('is left once --trust-domain-change names it', () => {
    expect(former([old], { departures: { ...nothing, trustDomains: ['old.org'] } })).toBeUndefined()
    expect(former([old], { departures: { ...nothing, trustDomains: ['other.org'] } })).toBeDefined()
  })

  test('is none where somebody edited the ID, no output exists, or the ID is no SPIFFE ID', () => {
    expect(
      former([withSpec(right, { spiffeIDTemplate: 'spiffe://evil.org/x' })], { status: said(configured) }),
    ).toBeUndefined()
    expect(former([], { status: said({ trustDomain: 'old.org', className: undefined }) })).toBeUndefined()
    expect(former([right])).toBeUndefined()
    expect(former([unannotated(withSpec(old, { spiffeIDTemplate: '{{ x }}' }))])).toBeUndefined()
  })
})

describe('another class than the configured one', () => {
  const classed = renderedBy({ ...configured, className: 'gpu' })

  test('is kept, a class as well as none', () => {
    expect(former([classed])).toEqual({ trustDomain: 'new.org', className: 'gpu' })
    const settings = { ...configured, className: 'gpu' }
    expect(former([right], { settings })).toEqual(configured)
    expect(former([right], { settings, status: said(configured) })).toEqual(configured)
  })

  test('is left once --clusterspiffeid-class-change names it; an empty text names no class', () => {
    expect(former([classed], { departures: { ...nothing, classNames: ['gpu'] } })).toBeUndefined()
    const settings = { ...configured, className: 'gpu' }
    expect(former([right], { settings, departures: { ...nothing, classNames: [undefined] } })).toBeUndefined()
  })

  test('is an edit of somebody where the status shows another class', () => {
    expect(former([classed], { status: said(configured) })).toBeUndefined()
    const status = said({ ...configured, className: 'gpu' })
    const edited = withSpec(classed, { className: 'evil' })
    expect(former([edited], { status })).toEqual({ trustDomain: 'new.org', className: 'gpu' })
  })
})

describe('a kept setting', () => {
  test('is counted for as long as it lasts, and announced once', () => {
    const inventory = inventoryOf([...world, old], configured)
    const announced: string[] = []
    const keptSettings = new KeptSettings(inventory, nothing, (words) => announced.push(words))
    expect(keptSettings.words()).toBeUndefined()
    const keys = ['default/chat', 'default/nobody'] as const
    keptSettings.look(keys)
    keptSettings.look(keys)
    expect(announced).toEqual([expect.stringContaining('--trust-domain-change=old.org')])
    expect(keptSettings.words()).toContain('of 1 InferenceIdentityBindings have trust domain "old.org"')
    expect([keptSettings.count('trust domain'), keptSettings.count('class')]).toEqual([1, 0])
    keptSettings.look(inventory.apply(removed(old)))
    expect(keptSettings.words()).toBeUndefined()
    expect(keptSettings.count('trust domain')).toBe(0)
  })

  test('is not counted for a binding that is being deleted, and no binding is named', () => {
    const inventory = inventoryOf([...world, old], { ...configured, className: 'gpu' })
    const keptSettings = new KeptSettings(inventory, nothing)
    keptSettings.look(['default/chat'])
    expect(keptSettings.words()).toContain('--clusterspiffeid-class-change=')
    expect(keptSettings.words()).not.toContain('chat')
    const leaving = binding({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })
    keptSettings.look(inventory.apply(upserted(leaving)))
    expect(keptSettings.words()).toBeUndefined()
  })
})
