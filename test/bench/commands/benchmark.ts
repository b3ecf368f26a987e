import { execFile } from 'node:child_process'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { binding, objective, pool } from '../../support/builders.ts'
import { programs } from '../../support/program.ts'
import type { Benchmark } from '../benchmark.ts'
import { alternate } from '../statistics.ts'

const floor = new URL('floor.ts', import.meta.url).pathname
const namespaces = 20

/** How long people wait for the commands that need no cluster. */
export const commands: Benchmark = async (report, { quick }) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'bench-commands-'))
  const files = quick ? 50 : 1000
  for (let at = 0; at < files; at++)
    await writeFile(join(folder.path, `${at}.yaml`), manifestsOf(String(at), `team-${at % namespaces}`))
  const rounds = quick ? 1 : 9

  const check = ['check', '-f', folder.path, '--trust-domain', 'example.org']
  const checking = await alternate(
    rounds,
    () => timeOf(programs.bundle, ...check),
    () => timeOf(floor, folder.path),
  )
  report.figure({
    name: `check of ${files} files, ${files * 3} objects`,
    unit: 'ms',
    samples: checking.a,
    floor: { name: 'reading them with the same YAML library', samples: checking.b },
    wanted: { of: 'ratio', atMost: 1.5 },
  })
  for (const { argv, atMost } of [
    { argv: ['--help'], atMost: 1.3 },
    { argv: ['check', '--help'], atMost: 1.8 },
  ]) {
    const helping = await alternate(
      rounds * 3,
      () => timeOf(programs.bundle, ...argv),
      () => timeOf('--eval', ''),
    )
    report.figure({
      name: `kleym ${argv.join(' ')}`,
      unit: 'ms',
      samples: helping.a,
      floor: { name: 'a Node that does nothing', samples: helping.b },
      wanted: { of: 'ratio', atMost },
    })
  }
}

async function timeOf(...argv: readonly string[]): Promise<number> {
  const started = performance.now()
  await promisify(execFile)(process.execPath, argv, { maxBuffer: 2 ** 26 })
  return performance.now() - started
}

/** A pool, an objective and the binding of both, as one file of a repository. */
const manifestsOf = (name: string, namespace: string): string =>
  [
    pool({ name, namespace, selector: { matchLabels: { app: name } } }),
    objective({ name, namespace, poolRef: { name } }),
    binding({ name, namespace, spec: { poolRef: { name }, objectiveRef: { name } } }),
  ]
    .map((object) => stringify(object))
    .join('---\n')
