import { parseArgs } from 'node:util'
import { locateOrBuildControlPlane } from '../controlplane/kubernetes-releases.ts'
import { fluxTools, helmTools, scoreTools, statusTools } from '../gitops/binaries.ts'
import { locateOrBuild, type Located } from './build.ts'
import type { Environment } from './locate.ts'
import type { Binaries } from './toolset.ts'

type Build = (env: Environment, say: (line: string) => void) => Promise<Located<Binaries>>

const builds: Readonly<Record<string, Build>> = {
  controlplane: locateOrBuildControlPlane,
  helm: (env, say) => locateOrBuild(helmTools, env, say),
  flux: (env, say) => locateOrBuild(fluxTools, env, say),
  status: (env, say) => locateOrBuild(statusTools, env, say),
  score: (env, say) => locateOrBuild(scoreTools, env, say),
}

const { values, positionals: names } = parseArgs({
  options: { kubernetes: { type: 'string' } },
  allowPositionals: true,
})
// The tests are told of another Kubernetes minor by the same variable.
const env =
  values.kubernetes === undefined ? process.env : { ...process.env, KLEYM_TEST_KUBERNETES: values.kubernetes }
const unknown = names.filter((name) => !Object.hasOwn(builds, name))
if (names.length === 0 || unknown.length > 0) {
  process.stderr.write(`name one or more of ${Object.keys(builds).join(', ')}\n`)
  process.exitCode = 4
} else {
  for (const name of names) await printPaths(name)
}

/** Where the programs are: `npm run --silent controlplane`. */
async function printPaths(name: string): Promise<void> {
  const outcome = await builds[name]?.(env, (line) => process.stderr.write(`${line}\n`))
  switch (outcome?.kind) {
    case 'found':
      for (const [program, path] of Object.entries(outcome.binaries))
        process.stdout.write(`${program} ${path}\n`)
      break
    case 'missing':
      process.stderr.write(`${outcome.remedy}\n`)
      process.exitCode = 1
      break
    case undefined:
      break
  }
}
