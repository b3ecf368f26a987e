import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { systemTurns } from '../../src/kube/clock.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { writtenFrom } from '../docs/tables.ts'
import { exercise } from './exercise.ts'

const file = new URL('../../docs/metrics.md', import.meta.url)

const head = `# Metrics

${writtenFrom('src/metrics', 'test/metrics/document.test.ts')}
What \`/metrics\` has, beside what every Node process shows (\`process_…\`, \`nodejs_…\`).
Each replica serves its own metrics. Those about bindings and ClusterSPIFFEIDs have the same values on each, so a query takes their
maximum; those about what a replica does itself are added up.

Over HTTPS the first handshakes of a replica fail until its webhook has a certificate, which \`/metrics\` is served with: a second as a rule, and
at most 10 s, after which it is a self-signed one until the webhook's is there. With \`--metrics-cert-path\`, and where the webhook is off, no handshake fails.

| Name | Type | Labels | Meaning |
| --- | --- | --- | --- |
`

/** The label names of each metric's samples, without those that its type brings along. */
function labelsIn(text: string, name: string): readonly string[] {
  const sample = text.split('\n').find((line) => new RegExp(`^${name}(?:_bucket)?[{ ]`).test(line))
  if (sample === undefined) throw new Error(`${name} has no sample`)
  const [, labels = ''] = /\{(.*)\}/.exec(sample) ?? []
  return [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le')
}

test('docs/metrics.md is what the program serves', async () => {
  const metrics = createMetrics(systemTurns)
  exercise(metrics)
  const text = await metrics.text()
  const rows = [...text.matchAll(/^# HELP (kleym_\w+) (.*)\n# TYPE \S+ (\w+)$/gm)].map(
    ([, name = '', help, type]) => {
      const labels = labelsIn(text, name).map((label) => `\`${label}\``)
      return `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} |\n`
    },
  )
  const page = head + rows.join('')
  if (process.env['KLEYM_UPDATE_DOCS'] !== undefined) await writeFile(file, page)
  expect(rows.length).toBeGreaterThan(15)
  expect(await readFile(file, 'utf8')).toBe(page)
})
