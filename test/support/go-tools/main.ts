import { controlPlaneTools } from '../controlplane/binaries.ts'
import { fluxTools, helmTools, statusTools } from '../gitops/binaries.ts'
import { locateOrBuild } from './build.ts'
import type { Toolset } from './toolset.ts'

const toolsets: Readonly<Record<string, Toolset>> = {
  controlplane: controlPlaneTools,
  helm: helmTools,
  flux: fluxTools,
  status: statusTools,
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !Object.hasOwn(toolsets, name))
if (names.length === 0 || unknown.length > 0) {
  process.stderr.write(`name one or more of ${Object.keys(toolsets).join(', ')}\n`)
  process.exitCode = 4
} else {
  for (const name of names) await printPaths(name)
}

/** Where the programs are: `npm run --silent controlplane`. */
async function printPaths(name: string): Promise<void> {
  const tools = toolsets[name]
  if (!tools) return
  const outcome = await locateOrBuild(tools, process.env, (line) => process.stderr.write(`${line}\n`))
  switch (outcome.kind) {
    case 'found':
      for (const [program, path] of Object.entries(outcome.binaries))
        process.stdout.write(`${program} ${path}\n`)
      break
    case 'missing':
      process.stderr.write(`${outcome.remedy}\n`)
      process.exitCode = 1
      break
  }
}
