import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { textOr, type JsonObject } from '../../../../src/core/json.ts'
import { at, listAt, overlayOf, textAt } from '../../../deploy/manifests.ts'
import { freePort } from '../../../support/controlplane/daemon.ts'
import { tether } from '../../../support/controlplane/tether.ts'
import { prometheusPrograms } from '../../../support/prometheus.ts'
import { eventually } from '../../loop/support/tenant.ts'
import { deploy, type Site } from '../support/site.ts'
import { pictureOf, type Line, type Shown } from './picture.ts'
import { judges, makeWay } from './refusal.ts'

const monitoring = join(deploy, 'monitoring')
const namespace = 'kleym-system'

const parsed = async (file: string): Promise<unknown> => parse(await readFile(join(monitoring, file), 'utf8'))

export function monitoringSuite(site: () => Site): void {
  test('scrapes as the ServiceMonitor says, and answers every query of the dashboard and of the alerts', async () => {
    await using overlay = await overlayOf({ configMapGenerator: [trustDomain] })
    const installation = await site().kustomized(overlay.directory)
    await site().install(installation)
    await using undo = new AsyncDisposableStack()
    undo.defer(() => makeWay(site(), installation.manifests))
    const pod = await site().start(installation.manifests)
    undo.defer(() => pod.stop('SIGKILL').then(() => undefined))
    await judges(site())
    await site().kubectl('apply', '-f', join(monitoring, 'reader.yaml'))
    const prometheus = await startPrometheus(site(), pod.metrics)
    undo.defer(prometheus.stop)

    const panels = listAt(await parsed('dashboard.json'), 'panels')
    const queries = panels.flatMap((panel) => listAt(panel, 'targets')).map((one) => textAt(one, 'expr'))
    expect(queries.length).toBeGreaterThan(10)
    await eventually(async () => {
      const answers = await Promise.all(queries.map((query) => prometheus.query(query)))
      const silent = queries.filter((_, index) => answers[index]?.length === 0)
      expect(silent).toEqual([])
    })
    const rules = listAt(await parsed('alerts.yaml'), 'spec', 'groups').flatMap((one) => listAt(one, 'rules'))
    for (const rule of rules) await prometheus.query(textAt(rule, 'expr'))
    // The metric that most alerts rest on is there.
    expect(await prometheus.query('kleym_leader == 1')).toHaveLength(1)

    if (process.env['KLEYM_UPDATE_DOCS'])
      await writeFile(picture, pictureOf(await aWhileOf(site(), panels, prometheus)))
    const drawn = (await readFile(picture, 'utf8')).matchAll(/class="title">([^<]*)</g)
    expect([...drawn].map(([, title]) => title)).toEqual(panels.map((panel) => textAt(panel, 'title')))
  }, 600_000)
}

/** What the panels show of some minutes in which bindings come, are refused, change and go. */
async function aWhileOf(
  site: Site,
  panels: readonly unknown[],
  prometheus: RunningPrometheus,
): Promise<readonly Shown[]> {
  const from = Date.now()
  while (Date.now() - from < pictureMs) await judges(site)
  return Promise.all(
    panels.map(async (panel): Promise<Shown> => {
      const lines = listAt(panel, 'targets').map(async (target) => {
        const series = await prometheus.range(textAt(target, 'expr'), from, Date.now())
        return series.map((one) => lineOf(one, textAt(target, 'legendFormat')))
      })
      const [x, y, w, h] = ['x', 'y', 'w', 'h'].map((side) => Number(at(panel, 'gridPos', side)))
      return {
        title: textAt(panel, 'title'),
        description: textAt(panel, 'description'),
        unit: textAt(panel, 'fieldConfig', 'defaults', 'unit'),
        place: { x: x ?? 0, y: y ?? 0, w: w ?? 0, h: h ?? 0 },
        lines: (await Promise.all(lines)).flat(),
      }
    }),
  )
}

/** A series by the legend that the dashboard gives it: `{{label}}` is the value of that label. */
const lineOf = (series: JsonObject, legend: string): Line => ({
  label: legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => textOr(at(series, 'metric', label), '')),
  points: pairsOf(at(series, 'values')).flatMap(([time, value]) =>
    time !== undefined && value !== undefined && Number.isFinite(value) ? [[time, value] as const] : [],
  ),
})

const pairsOf = (values: unknown): readonly (readonly number[])[] =>
  Array.isArray(values) ? values.map((pair) => (Array.isArray(pair) ? pair.map(Number) : [])) : []

const picture = new URL('../../../../docs/dashboard.svg', import.meta.url)
const pictureMs = 180_000

const trustDomain = {
  name: 'kleym-operator-config',
  namespace,
  behavior: 'merge',
  literals: ['KLEYM_TRUST_DOMAIN=example.org'],
}

type RunningPrometheus = {
  /** The samples of an instant query; a query that is wrong throws. */
  readonly query: (expression: string) => Promise<readonly JsonObject[]>
  /** The series of a query from one time to another, in ms since the epoch. */
  readonly range: (expression: string, from: number, to: number) => Promise<readonly JsonObject[]>
  readonly stop: () => Promise<void>
}

/** A Prometheus that scrapes this URL every second, with what the ServiceMonitor names. */
async function startPrometheus({ cluster, kubectl }: Site, metrics: string): Promise<RunningPrometheus> {
  const scratch = join(cluster.plane.directory, 'prometheus')
  await mkdir(scratch)
  const [endpoint] = listAt(await parsed('service-monitor.yaml'), 'spec', 'endpoints')
  const secret = textAt(endpoint, 'tlsConfig', 'ca', 'secret', 'name')
  const encoded = await kubectl('get', 'secret', secret, '-n', namespace, '-o', 'jsonpath={.data.ca\\.crt}')
  const caFile = join(scratch, 'ca.crt')
  await writeFile(caFile, Buffer.from(encoded, 'base64'))
  const token = await kubectl('create', 'token', 'kleym-metrics-reader', '-n', namespace)
  const { host } = new URL(metrics)
  const configuration = {
    global: { scrape_interval: '1s' },
    scrape_configs: [
      {
        job_name: 'kleym-operator-metrics-service',
        scheme: at(endpoint, 'scheme'),
        metrics_path: at(endpoint, 'path'),
        authorization: { credentials: token.trim() },
        tls_config: { ca_file: caFile, server_name: at(endpoint, 'tlsConfig', 'serverName') },
        static_configs: [{ targets: [host] }],
      },
    ],
  }
  const file = join(scratch, 'prometheus.yml')
  await writeFile(file, JSON.stringify(configuration), { mode: 0o600 })
  const address = `127.0.0.1:${await freePort()}`
  const flags = [
    `--config.file=${file}`,
    `--web.listen-address=${address}`,
    `--storage.tsdb.path=${join(scratch, 'data')}`,
  ]
  const program = tether([prometheusPrograms().prometheus, ...flags], { scratch, output: 'ignore' })
  const ask = async (path: string, question: Record<string, string>): Promise<readonly JsonObject[]> => {
    const reply = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(question).toString()}`)
    const body: unknown = await reply.json()
    if (textAt(body, 'status') !== 'success')
      throw new Error(`${question['query']}: ${textAt(body, 'error')}`)
    return listAt(body, 'data', 'result')
  }
  return {
    query: (expression) => ask('query', { query: expression }),
    range: (expression, from, to) =>
      ask('query_range', {
        query: expression,
        start: String(from / 1000),
        end: String(to / 1000),
        step: '2',
      }),
    stop: async () => {
      program.process.kill()
      await program.ended
    },
  }
}
