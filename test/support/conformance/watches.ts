import { expect, test } from 'vitest'
import type { Watch, WatchEvent } from '../embedded/client.ts'
import { recordOf, textOf } from '../embedded/json.ts'
import { listVersion, metaOf, versionOf, widget, type Subject } from './subject.ts'

const nameAndType = ({ type, object }: WatchEvent): string => `${type} ${textOf(metaOf(object)['name'])}`

const take = async (watch: Watch, count: number): Promise<readonly WatchEvent[]> => {
  const events: WatchEvent[] = []
  for (let event = await watch.next(); event !== undefined; event = await watch.next()) {
    events.push(event)
    if (events.length === count) break
  }
  return events
}

/** Watches: what a reflector builds on. */
export const watchSuite = (subject: () => Subject): void => {
  test('a watch from a version tells everything since, in order', async () => {
    const { client, widgets } = subject()
    const since = await listVersion(subject())
    const finalizers = ['example.com/a']
    await client.post(widgets, widget(subject(), 'watched', { size: 1 }, { finalizers }))
    const watch = await client.watch(`${widgets}?watch=true&resourceVersion=${since}`)
    await client.patch(`${widgets}/watched`, { spec: { size: 2 } })
    await client.delete(`${widgets}/watched`)
    await client.patch(`${widgets}/watched`, { metadata: { finalizers: null } })
    const events = await take(watch, 4)
    watch.close()
    expect(events.map(nameAndType)).toEqual([
      'ADDED watched',
      'MODIFIED watched',
      'MODIFIED watched',
      'DELETED watched',
    ])
    const versions = events.map(({ object }) => Number(versionOf(object)))
    expect(versions).toEqual(versions.toSorted((a, b) => a - b))
    expect(new Set(versions).size).toBe(4)
  })

  test('a watch without a version begins with what is there', async () => {
    const { client, widgets } = subject()
    await client.post(widgets, widget(subject(), 'present', { size: 1 }))
    const watch = await client.watch(
      `${widgets}?watch=true&fieldSelector=metadata.name%3Dpresent&allowWatchBookmarks=true`,
    )
    const [added, bookmark] = await take(watch, 2)
    watch.close()
    expect(added && nameAndType(added)).toBe('ADDED present')
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'Widget', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    })
  })

  test('an object that no longer fits the selector is gone for the watch', async () => {
    const { client, widgets } = subject()
    const since = await listVersion(subject())
    const watch = await client.watch(
      `${widgets}?watch=true&labelSelector=fits%3Dyes&resourceVersion=${since}`,
    )
    await client.post(widgets, widget(subject(), 'fitting', { size: 1 }))
    await client.patch(`${widgets}/fitting`, { metadata: { labels: { fits: 'yes' } } })
    await client.patch(`${widgets}/fitting`, { metadata: { labels: { fits: 'no' } } })
    const events = await take(watch, 2)
    watch.close()
    expect(events.map(nameAndType)).toEqual(['ADDED fitting', 'DELETED fitting'])
  })

  test('a watch ends in good order when its time is up, and says before how far it was', async () => {
    const { client, widgets } = subject()
    const since = await listVersion(subject())
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=5&resourceVersion=${since}`
    const watch = await client.watch(`${widgets}?${query}`)
    await client.post(widgets, widget(subject(), 'timed', { size: 1 }))
    const events = await take(watch, Infinity)
    const [added, ...bookmarks] = events
    expect(added && nameAndType(added)).toBe('ADDED timed')
    expect(new Set(bookmarks.map(({ type }) => type))).toEqual(new Set(['BOOKMARK']))
    const [from, ...versions] = events.map(({ object }) => Number(versionOf(object)))
    expect(Math.min(...versions)).toBeGreaterThanOrEqual(from ?? Infinity)
  })

  test('a version that is too old is 410 Gone, as an event', async () => {
    const { client, widgets } = subject()
    const watch = await client.watch(`${widgets}?watch=true&resourceVersion=1`)
    const events = await take(watch, Infinity)
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired' },
    })
  })

  test('a definition that goes takes its objects along, and its watches end', async () => {
    const { client, namespace, group } = subject()
    const definition = (await client.get(subject().crd)).body
    const plural = 'gizmos'
    const names = { plural, kind: 'Gizmo' }
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    const made = await client.post(definitions, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${group}` },
      spec: { ...recordOf(definition['spec']), names },
    })
    expect(made.code).toBe(201)
    const gizmos = `/apis/${group}/v1/namespaces/${namespace}/${plural}`
    const gizmo = (name: string, finalizers: readonly string[]) => ({
      apiVersion: `${group}/v1`,
      kind: 'Gizmo',
      metadata: { name, finalizers },
      spec: { size: 1 },
    })
    const free = async (): Promise<number> => (await client.post(gizmos, gizmo('free', []))).code
    await expect.poll(free, { timeout: 10_000 }).toBe(201)
    await client.post(gizmos, gizmo('held', ['example.com/a']))
    const watch = await client.watch(`${gizmos}?watch=true`)
    await take(watch, 2)

    expect(await client.delete(`${definitions}/${plural}.${group}`)).toMatchObject({ code: 200 })
    const events = await take(watch, 2)
    expect(events.map(nameAndType).toSorted()).toEqual(['DELETED free', 'MODIFIED held'])
    expect(await client.get(`${definitions}/${plural}.${group}`)).toMatchObject({ code: 200 })
    await client.patch(`${gizmos}/held`, { metadata: { finalizers: null } })
    expect((await take(watch, Infinity)).map(nameAndType)).toEqual(['DELETED held'])
    await expect.poll(async () => (await client.get(gizmos)).code, { timeout: 20_000 }).toBe(404)
  })
}
