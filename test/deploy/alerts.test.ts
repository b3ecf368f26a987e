import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { objectOr, type JsonObject } from '../../src/core/json.ts'
import { systemTurns } from '../../src/kube/clock.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { exercise } from '../metrics/exercise.ts'
import { describePrometheus, prometheusPrograms } from '../support/prometheus.ts'
import { runProgram, type ProgramResult } from '../support/run-program.ts'
import { at, deploy, listAt, textAt } from './manifests.ts'

const cases = resolve(import.meta.dirname, 'alerts-test.yaml')
const runbooks = resolve(import.meta.dirname, '../../docs/alerts.md')

describePrometheus('the alerts', () => {
  let directory: string
  let rules: readonly JsonObject[]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'alerts-'))
    const { spec } = objectOr(parse(await readFile(join(deploy, 'monitoring/alerts.yaml'), 'utf8')))
    rules = listAt(spec, 'groups').flatMap((group) => listAt(group, 'rules'))
    await writeFile(join(directory, 'rules.yaml'), stringify(spec))
    await copyFile(cases, join(directory, 'cases.yaml'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  const promtool = (args: readonly string[], input = ''): Promise<ProgramResult> =>
    runProgram(prometheusPrograms().promtool, args, { env: {}, cwd: directory, input })

  test('are rules to promtool', async () => {
    expect(await promtool(['check', 'rules', 'rules.yaml'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('fire when they should, say what they should, and are quiet otherwise', async () => {
    const { code, stdout, stderr } = await promtool(['test', 'rules', 'cases.yaml'])
    expect({ code, said: stdout + stderr }).toMatchObject({
      code: 0,
      said: expect.stringContaining('SUCCESS'),
    })
    const text = await readFile(cases, 'utf8')
    for (const rule of rules) {
      expect(text).toContain(`- name: ${textAt(rule, 'alert')} fires`)
      expect(text).toContain(`- name: ${textAt(rule, 'alert')} is quiet`)
    }
  })

  test('each have a section in docs/alerts.md, to which they lead, and there is no other', async () => {
    const sections = [...(await readFile(runbooks, 'utf8')).matchAll(/^## (?<name>.*)$/gm)].map(
      ({ groups }) => groups?.['name'],
    )
    expect(sections).toEqual(rules.map((rule) => rule['alert']))
    for (const rule of rules)
      expect(at(rule, 'annotations', 'runbook_url')).toBe(
        `docs/alerts.md#${textAt(rule, 'alert').toLowerCase()}`,
      )
  })

  test('the names of our metrics are good ones to promtool', async () => {
    const metrics = createMetrics(systemTurns)
    exercise(metrics)
    const ours = (await metrics.text())
      .split('\n')
      .filter((line) => /^(?:# (?:HELP|TYPE) )?kleym_/.test(line))
      .join('\n')
    expect(await promtool(['check', 'metrics'], `${ours}\n`)).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })
})
