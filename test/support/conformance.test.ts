import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admissionSuite } from './conformance/admission.ts'
import { kubectlSession } from './conformance/kubectl-session.ts'
import { objectSuite } from './conformance/objects.ts'
import { schemaSuite } from './conformance/schema.ts'
import { openSubject, type Subject } from './conformance/subject.ts'
import { watchSuite } from './conformance/watches.ts'
import type { Endpoint } from './embedded/client.ts'
import { startEmbedded, type Embedded } from './embedded/server.ts'
import { controlPlane, describeReal } from './real.ts'

/** One suite, run against both servers: what the embedded one promises is what the real one does. */
const conforms = (endpoint: () => Endpoint): void => {
  let opened: Subject
  beforeAll(async () => {
    opened = await openSubject(endpoint())
  })
  afterAll(() => opened.close())
  const subject = (): Subject => opened
  describe('objects', () => {
    objectSuite(subject)
  })
  describe('schemas', () => {
    schemaSuite(subject)
  })
  describe('watches', () => {
    watchSuite(subject)
  })
  describe('admission', () => {
    admissionSuite(subject)
  })
}

const realEndpoint = (): Endpoint => {
  const { server, caPem, adminToken } = controlPlane()
  return { server, caPem, token: adminToken }
}

let embedded: Embedded

beforeAll(async () => {
  embedded = await startEmbedded()
})

afterAll(() => embedded.stop())

describe('the embedded API server', () => {
  conforms(() => embedded)
})

describeReal('the real API server', () => {
  conforms(realEndpoint)

  test('kubectl prints the same in front of both', async () => {
    const [real, small] = await Promise.all([
      kubectlSession(controlPlane(), realEndpoint()),
      kubectlSession({ ...controlPlane(), kubeconfig: embedded.kubeconfig }, embedded),
    ])
    expect(small).toEqual(real)
    expect(real).toMatch(/strict decoding error: unknown field "spec.junk"/)
    expect(real).toMatch(/condition met/)
  })
})
