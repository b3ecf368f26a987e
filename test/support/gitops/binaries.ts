import { resolve } from 'node:path'
import { locateOrBuild, type Located } from '../go-tools/build.ts'
import type { Environment } from '../go-tools/locate.ts'
import { type Toolset, versionIn } from '../go-tools/toolset.ts'

const modules = resolve(import.meta.dirname, '../..')

type HelmBinaries = Readonly<Record<'helm', string>>
type FluxBinaries = Readonly<Record<'flux-apply', string>>
type StatusBinaries = Readonly<Record<'read-status', string>>
type ScoreBinaries = Readonly<Record<'kube-score', string>>

/** The path of each program. */
export type GitOpsBinaries = HelmBinaries & FluxBinaries & StatusBinaries & ScoreBinaries

export const helmTools: Toolset<HelmBinaries> = {
  what: 'a real Helm',
  module: resolve(modules, 'helm'),
  variable: 'KLEYM_TEST_HELM',
  at: (path) => ({ helm: path('helm') }),
  linkerFlags: (goMod) =>
    `-s -w -X helm.sh/helm/v4/internal/version.version=${versionIn(goMod, 'helm.sh/helm/v4')}`,
}

/** Of Flux the part that applies and prunes. It needs older Kubernetes modules than Helm, so it is a module apart. */
export const fluxTools: Toolset<FluxBinaries> = {
  what: "Flux's apply",
  module: resolve(modules, 'flux-apply'),
  variable: 'KLEYM_TEST_FLUX',
  at: (path) => ({ 'flux-apply': path('flux-apply') }),
  linkerFlags: () => '-s -w',
}

/** kstatus, by which Flux and Helm wait, and a Lua that runs a health script as Argo CD does. */
export const statusTools: Toolset<StatusBinaries> = {
  what: 'the readers of statuses',
  module: resolve(modules, 'read-status'),
  variable: 'KLEYM_TEST_STATUS',
  at: (path) => ({ 'read-status': path('read-status') }),
  linkerFlags: () => '-s -w',
}

/** kube-score, by which many teams have manifests judged before they apply them. */
export const scoreTools: Toolset<ScoreBinaries> = {
  what: 'kube-score',
  module: resolve(modules, 'kube-score'),
  variable: 'KLEYM_TEST_KUBE_SCORE',
  at: (path) => ({ 'kube-score': path('kube-score') }),
  linkerFlags: () => '-s -w',
}

/** One after the other: each build uses all processors. */
export async function locateOrBuildGitOps(
  env: Environment,
  say: (line: string) => void,
): Promise<Located<GitOpsBinaries>> {
  const helm = await locateOrBuild(helmTools, env, say)
  if (helm.kind === 'missing') return helm
  const flux = await locateOrBuild(fluxTools, env, say)
  if (flux.kind === 'missing') return flux
  const status = await locateOrBuild(statusTools, env, say)
  if (status.kind === 'missing') return status
  const score = await locateOrBuild(scoreTools, env, say)
  if (score.kind === 'missing') return score
  return {
    kind: 'found',
    binaries: { ...helm.binaries, ...flux.binaries, ...status.binaries, ...score.binaries },
  }
}
