import { join } from 'node:path'
import { expect, test } from 'vitest'
import { byBytes } from '../../src/core/names.ts'
import { describeGitOps, gitOpsBinaries } from '../support/real.ts'
import { runProgram } from '../support/run-program.ts'
import { render } from './chart.ts'
import { build, deploy } from './manifests.ts'

/** What kube-score would have otherwise, and why it is as it is. */
const exceptions: Readonly<Record<string, string>> = {
  '(operator) ImagePullPolicy is not set to Always':
    'The tag is that of a version, which is never pushed twice: a node that has the image can start a replica while the registry is down.',
  'The pod does not have a matching egress NetworkPolicy':
    'Where the API server is to be reached differs from cluster to cluster, so a policy for all of them would forbid nothing.',
  '(operator) CPU limit is not set': 'A throttled webhook holds up whoever applies a binding.',
  'Deployment does not have a host podAntiAffinity set':
    'topologySpreadConstraints spread the replicas over nodes and zones, and still allow both on the only node of a small cluster.',
}

describeGitOps('kube-score finds nothing but the exceptions', () => {
  test.each([
    ['deploy', () => build(deploy)],
    ['deploy/overlays/cert-manager', () => build(join(deploy, 'overlays/cert-manager'))],
    ['the chart', () => render({ trustDomain: 'example.org', certManager: { enabled: true } })],
  ])('in %s', async (_, manifests) => {
    const { text } = await manifests()
    const { code, stdout } = await runProgram(
      gitOpsBinaries()['kube-score'],
      ['score', '--output-format', 'ci', '-'],
      { env: {}, input: text },
    )
    const lines = stdout.trim().split('\n')
    const judged = lines.filter((line) => line.startsWith('[OK]'))
    expect(judged.length).toBeGreaterThan(20)
    const found = lines.filter((line) => !/^\[(?:OK|SKIPPED)\] /u.test(line))
    const ofDeployment = /^\[\w+\] kleym-operator\/kleym-system apps\/v1\/Deployment: /u
    expect(found.map((line) => line.replace(ofDeployment, '')).toSorted(byBytes)).toEqual(
      Object.keys(exceptions).toSorted(byBytes),
    )
    // Code 1 says that kube-score has judged everything; for input that it can't read it has another code.
    expect(code).toBe(1)
  })
})
