import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { readyIn } from '../../../src/core/conditions.ts'
import {
  bindingResource,
  objectiveResources,
  poolResources,
  type Resource,
} from '../../../src/core/resources.ts'
import { resourcePath } from '../../../src/kube/client.ts'
import { objective, pool, poolOnly } from '../../support/builders.ts'
import type { Client } from '../../support/embedded/client.ts'
import { recordOf } from '../../support/embedded/json.ts'
import type { Manifest } from '../../support/vectors.ts'

const namespace = 'landmarks'

/**
 * Tells when the operator has seen all that was created before: it watches each kind as one stream, so it has, once a
 * binding is Ready by an object of that kind that was created later.
 */
export class Barrier {
  readonly #client: Client
  readonly #home = `home-${randomUUID()}`

  constructor(client: Client) {
    this.#client = client
  }

  /** To be called once, before the first wait. */
  async prepare(): Promise<void> {
    await this.#client.post('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    })
    await this.#create(poolResources[0], pool({ name: this.#home, namespace }))
  }

  async waitUntilSeen(): Promise<void> {
    const mark = `mark-${randomUUID()}`
    const marks = [
      ...poolResources.map(({ group }) => ({ poolRef: { name: mark, group } })),
      ...objectiveResources.map(({ group }) => ({
        poolRef: { name: this.#home },
        objectiveRef: { name: mark, group },
      })),
    ].map((spec, at) => poolOnly({ name: `${mark}-${at}`, namespace, spec }))
    await Promise.all([
      ...poolResources.map((resource) =>
        this.#create(resource, pool({ name: mark, namespace, group: resource.group })),
      ),
      ...objectiveResources.map((resource) =>
        this.#create(
          resource,
          objective({ name: mark, namespace, group: resource.group, poolRef: { name: this.#home } }),
        ),
      ),
      ...marks.map((binding) => this.#create(bindingResource, binding)),
    ])
    const isReady = async ({ metadata: { name } }: Manifest): Promise<boolean> => {
      const { body } = await this.#client.get(resourcePath(bindingResource, { namespace, name }))
      return readyIn(recordOf(body['status']))?.status === 'True'
    }
    await expect
      .poll(async () => (await Promise.all(marks.map(isReady))).every(Boolean), {
        timeout: 60_000,
        interval: 20,
      })
      .toBe(true)
  }

  async #create(resource: Resource | undefined, object: Manifest): Promise<void> {
    if (!resource) throw new Error('a kind is missing')
    const { uid: _, generation: _generation, ...metadata } = object.metadata
    const { code } = await this.#client.post(resourcePath(resource, { namespace }), { ...object, metadata })
    if (code !== 201) throw new Error(`creating ${object.kind} ${metadata.name}: ${code}`)
  }
}
