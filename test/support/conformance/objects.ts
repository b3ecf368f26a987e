import { expect, test } from 'vitest'
import { createClient } from '../embedded/client.ts'
import { listOf, recordOf, textOf } from '../embedded/json.ts'
import { metaOf, versionOf, widget, type Subject } from './subject.ts'

/** Objects one by one: what a write changes, and what it is refused for. */
export const objectSuite = (subject: () => Subject): void => {
  test('the server gives a new object its identity, whatever the client says', async () => {
    const { client, widgets } = subject()
    const own = { uid: 'mine', generation: 7, creationTimestamp: '2020-01-01T00:00:00Z' }
    const { code, body } = await client.post(widgets, widget(subject(), 'new', { size: 1 }, own))
    expect(code).toBe(201)
    expect(metaOf(body)).toMatchObject({ name: 'new', namespace: subject().namespace, generation: 1 })
    expect(metaOf(body)['uid']).toMatch(/^[0-9a-f-]{36}$/)
    expect(metaOf(body)['creationTimestamp']).not.toBe(own.creationTimestamp)
    expect(Number(versionOf(body))).toBeGreaterThan(1)
  })

  test('a name is taken once', async () => {
    const { client, widgets, group } = subject()
    await client.post(widgets, widget(subject(), 'once', { size: 1 }))
    const { code, body } = await client.post(widgets, widget(subject(), 'once', { size: 1 }))
    const details = { name: 'once', group, kind: 'widgets' }
    const message = `widgets.${group} "once" already exists`
    expect({ code, body }).toMatchObject({ code: 409, body: { reason: 'AlreadyExists', message, details } })
  })

  test('a generated name starts as asked', async () => {
    const { client, widgets, group } = subject()
    const object = {
      apiVersion: `${group}/v1`,
      kind: 'Widget',
      metadata: { generateName: 'gen-' },
      spec: { size: 1 },
    }
    const { body } = await client.post(widgets, object)
    expect(metaOf(body)['name']).toMatch(/^gen-[a-z0-9]{5}$/)
  })

  test('what is not there is not found', async () => {
    const { client, widgets, group } = subject()
    const message = `widgets.${group} "absent" not found`
    expect(await client.get(`${widgets}/absent`)).toMatchObject({
      code: 404,
      body: { reason: 'NotFound', message },
    })
    expect(await client.delete(`${widgets}/absent`)).toMatchObject({ code: 404 })
    const nowhere = widgets.replace(subject().namespace, 'nowhere')
    expect(await client.post(nowhere, widget(subject(), 'a', { size: 1 }))).toMatchObject({
      code: 404,
      body: { message: 'namespaces "nowhere" not found' },
    })
    expect(await client.get(`/apis/${group}/v1/gadgets`)).toMatchObject({
      code: 404,
      body: { text: /page not found/ },
    })
  })

  test('an update needs the current version', async () => {
    const { client, widgets } = subject()
    const first = await client.post(widgets, widget(subject(), 'update', { size: 1 }))
    const path = `${widgets}/update`
    const stale = { ...first.body, spec: { size: 3 } }
    const second = await client.put(path, { ...first.body, spec: { size: 2 } })
    expect(second).toMatchObject({ code: 200, body: { metadata: { generation: 2 }, spec: { size: 2 } } })
    expect(await client.put(path, stale)).toMatchObject({ code: 409, body: { reason: 'Conflict' } })
    const unversioned = widget(subject(), 'update', { size: 3 })
    expect(await client.put(path, unversioned)).toMatchObject({
      code: 422,
      body: { details: { causes: [{ field: 'metadata.resourceVersion' }] } },
    })
    const stranger = { ...second.body, metadata: { ...metaOf(second.body), uid: 'another' } }
    expect(await client.put(path, stranger)).toMatchObject({ code: 409, body: { reason: 'Conflict' } })
  })

  test('an update that changes nothing leaves the version alone', async () => {
    const { client, widgets } = subject()
    const { body } = await client.post(widgets, widget(subject(), 'same', { size: 1 }))
    const again = await client.put(`${widgets}/same`, body)
    expect(again.code).toBe(200)
    expect(versionOf(again.body)).toBe(versionOf(body))
  })

  test('only a change of the spec is a new generation', async () => {
    const { client, widgets } = subject()
    await client.post(widgets, widget(subject(), 'generation', { size: 1 }))
    const path = `${widgets}/generation`
    const labelled = await client.patch(path, { metadata: { labels: { a: 'b' } } })
    expect(metaOf(labelled.body)).toMatchObject({ generation: 1, labels: { a: 'b' } })
    const judged = await client.patch(`${path}/status`, { status: { phase: 'x' } })
    expect(metaOf(judged.body)['generation']).toBe(1)
    const changed = await client.patch(path, { spec: { size: 2 } })
    expect(metaOf(changed.body)['generation']).toBe(2)
  })

  test('the status changes through its own door, and nothing else does', async () => {
    const { client, widgets } = subject()
    const made = await client.post(widgets, {
      ...widget(subject(), 'status', { size: 1 }),
      status: { phase: 'lie' },
    })
    expect(made.body).not.toHaveProperty('status')
    const path = `${widgets}/status`
    const metadata = { ...metaOf(made.body), labels: { a: 'b' } }
    const judged = await client.put(`${path}/status`, {
      ...made.body,
      metadata,
      spec: { size: 9 },
      status: { phase: 'ok' },
    })
    expect(judged).toMatchObject({ code: 200, body: { spec: { size: 1 }, status: { phase: 'ok' } } })
    expect(metaOf(judged.body)).not.toHaveProperty('labels')
    const updated = await client.put(path, { ...judged.body, spec: { size: 2 }, status: {} })
    expect(updated.body).toMatchObject({ spec: { size: 2 }, status: { phase: 'ok' } })
  })

  test('a merge patch removes by null; a JSON patch does as it says', async () => {
    const { client, widgets } = subject()
    await client.post(widgets, widget(subject(), 'patch', { size: 1, note: 'x', labels: { a: '1', b: '2' } }))
    const path = `${widgets}/patch`
    const merged = await client.patch(path, { spec: { note: null, labels: { a: null } } })
    expect(recordOf(merged.body['spec'])).toEqual({
      size: 1,
      color: 'red',
      labels: { b: '2' },
      nested: { deep: 'x' },
    })
    const listed = await client.patch(path, [
      { op: 'add', path: '/spec/tags', value: ['a'] },
      { op: 'add', path: '/spec/tags/-', value: 'b' },
      { op: 'replace', path: '/spec/size', value: 3 },
      { op: 'remove', path: '/spec/labels' },
    ])
    expect(recordOf(listed.body['spec'])).toEqual({
      size: 3,
      color: 'red',
      tags: ['a', 'b'],
      nested: { deep: 'x' },
    })
    const failed = await client.patch(path, [{ op: 'test', path: '/spec/size', value: 8 }])
    expect(failed).toMatchObject({ code: 422, body: { reason: 'Invalid' } })
  })

  test('a deletion keeps to its preconditions', async () => {
    const { client, widgets, group } = subject()
    const { body } = await client.post(widgets, widget(subject(), 'precise', { size: 1 }))
    const path = `${widgets}/precise`
    const { uid } = metaOf(body)
    const conflict = { code: 409, body: { reason: 'Conflict' } }
    expect(await client.delete(path, { preconditions: { uid: 'another' } })).toMatchObject(conflict)
    expect(await client.delete(path, { preconditions: { uid, resourceVersion: '1' } })).toMatchObject(
      conflict,
    )
    const exact = { preconditions: { uid, resourceVersion: versionOf(body) } }
    expect(await client.delete(path, exact)).toMatchObject({
      code: 200,
      body: { status: 'Success', details: { name: 'precise', group, kind: 'widgets', uid } },
    })
  })

  test('a finalizer holds an object until it is taken off', async () => {
    const { client, widgets } = subject()
    const finalizers = ['example.com/a']
    await client.post(widgets, widget(subject(), 'held', { size: 1 }, { finalizers }))
    const path = `${widgets}/held`
    const marked = await client.delete(path)
    expect(metaOf(marked.body)).toMatchObject({ finalizers, generation: 2, deletionGracePeriodSeconds: 0 })
    expect(textOf(metaOf(marked.body)['deletionTimestamp'])).toMatch(/Z$/)
    expect(versionOf((await client.delete(path)).body)).toBe(versionOf(marked.body))
    const more = await client.patch(path, { metadata: { finalizers: [...finalizers, 'example.com/b'] } })
    expect(more).toMatchObject({ code: 422, body: { reason: 'Invalid' } })
    expect(await client.patch(path, { metadata: { finalizers: null } })).toMatchObject({ code: 200 })
    expect(await client.get(path)).toMatchObject({ code: 404 })
  })

  test('a dry run answers as if, and writes nothing', async () => {
    const { client, widgets } = subject()
    const made = await client.post(`${widgets}?dryRun=All`, widget(subject(), 'dry', { size: 1 }))
    expect(made).toMatchObject({ code: 201, body: { spec: { color: 'red' } } })
    expect(await client.get(`${widgets}/dry`)).toMatchObject({ code: 404 })
    const { body } = await client.post(widgets, widget(subject(), 'dry', { size: 1 }))
    const put = await client.put(`${widgets}/dry?dryRun=All`, { ...body, spec: { size: 2 } })
    expect(put).toMatchObject({ code: 200, body: { spec: { size: 2 } } })
    expect(await client.delete(`${widgets}/dry?dryRun=All`)).toMatchObject({ code: 200 })
    expect(versionOf((await client.get(`${widgets}/dry`)).body)).toBe(versionOf(body))
  })

  test('a list in pages shows every object of one moment once', async () => {
    const { client, widgets } = subject()
    const names = ['page-1', 'page-2', 'page-3', 'page-4', 'page-5']
    for (const name of names) {
      await client.post(widgets, widget(subject(), name, { size: 1 }, { labels: { paged: 'yes' } }))
    }
    const query = `${widgets}?labelSelector=paged%3Dyes&limit=2`
    const seen: string[] = []
    const versions = new Set<string>()
    let token = ''
    do {
      const { body } = await client.get(`${query}&continue=${encodeURIComponent(token)}`)
      seen.push(...listOf(body['items']).map((item) => textOf(metaOf(recordOf(item))['name'])))
      versions.add(versionOf(body))
      token = textOf(metaOf(body)['continue'])
      await client.delete(`${widgets}/page-5`)
    } while (token !== '')
    expect(seen).toEqual(names)
    expect(versions.size).toBe(1)
  })

  test('lists select by label and by name', async () => {
    const { client, widgets } = subject()
    for (const [name, tier] of Object.entries({ 'sel-a': 'front', 'sel-b': 'back' })) {
      await client.post(widgets, widget(subject(), name, { size: 1 }, { labels: { tier } }))
    }
    const names = async (query: string): Promise<readonly unknown[]> => {
      const { body } = await client.get(`${widgets}?${query}`)
      return listOf(body['items']).map((item) => metaOf(recordOf(item))['name'])
    }
    expect(await names('labelSelector=tier%3Dfront')).toEqual(['sel-a'])
    expect(await names('labelSelector=tier%20in%20(front,back)')).toEqual(['sel-a', 'sel-b'])
    expect(await names('labelSelector=tier,tier!%3Dfront')).toEqual(['sel-b'])
    expect(await names('fieldSelector=metadata.name%3Dsel-b')).toEqual(['sel-b'])
    expect(await client.get(`${widgets}?fieldSelector=spec.size%3D1`)).toMatchObject({ code: 400 })
  })

  test('an unknown token is nobody', async () => {
    const { endpoint, widgets } = subject()
    const stranger = createClient({ ...endpoint, token: 'nobody' })
    expect(await stranger.get(widgets)).toMatchObject({ code: 401, body: { reason: 'Unauthorized' } })
    await stranger.close()
  })
}
