import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { JsonObject } from '../../../../src/core/json.ts'
import { at, listAt, overlayOf, textAt } from '../../../deploy/manifests.ts'
import { freePort } from '../../../support/controlplane/daemon.ts'
import { tether } from '../../../support/controlplane/tether.ts'
import { prometheusPrograms } from '../../../support/prometheus.ts'
import { eventually } from '../../loop/support/tenant.ts'
import { deploy, type Site } from '../support/site.ts'
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
    // What there is shows that each alert would be told of what it is about.
    expect(await prometheus.query('kleym_leader == 1')).toHaveLength(1)
  })
}

const trustDomain = {
  name: 'kleym-operator-config',
  namespace,
  behavior: 'merge',
  literals: ['KLEYM_TRUST_DOMAIN=example.org'],
}

type RunningPrometheus = {
  /** The samples of an instant query; a query that is wrong throws. */
  readonly query: (expression: string) => Promise<readonly JsonObject[]>
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
  return {
    query: async (expression) => {
      const reply = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`)
      const body: unknown = await reply.json()
      if (textAt(body, 'status') !== 'success') throw new Error(`${expression}: ${textAt(body, 'error')}`)
      return listAt(body, 'data', 'result')
    },
    stop: async () => {
      program.process.kill()
      await program.ended
    },
  }
}
