import { createHash } from 'node:crypto'
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { recordOf, textOf } from '../embedded/json.ts'
import { locateOrBuild, type Located } from '../go-tools/build.ts'
import { cacheOf, type Environment } from '../go-tools/locate.ts'
import type { Toolset } from '../go-tools/toolset.ts'
import { runProgram } from '../run-program.ts'
import { type Binaries, controlPlaneTools, versionFlags } from './binaries.ts'

/** The Kubernetes minors, beside the one that test/controlplane pins, that docs/compatibility.md tells of. */
const releases: Readonly<Record<string, string>> = { '1.30': '1.30.14', '1.34': '1.34.4', '1.36': '1.36.3' }

const minors: readonly string[] = Object.keys(releases)

type OfKubernetes = Pick<Binaries, 'kube-apiserver' | 'kubectl'>

/**
 * The control plane that the tests run on: of the minor that KLEYM_TEST_KUBERNETES names, else the one that test/controlplane pins.
 * Its etcd is the pinned one in either case: each kube-apiserver speaks the same etcd API, and the builds are long enough without.
 */
export async function locateOrBuildControlPlane(
  env: Environment,
  say: (line: string) => void,
): Promise<Located<Binaries>> {
  const minor = env['KLEYM_TEST_KUBERNETES']
  const release = minor ? releases[minor] : undefined
  if (minor && release === undefined)
    return {
      kind: 'missing',
      remedy: `Kubernetes "${minor}" is not known here: name one of ${minors.join(', ')}, or none for the one that test/controlplane pins`,
    }
  const pinned = await locateOrBuild(controlPlaneTools, env, say)
  if (release === undefined || pinned.kind === 'missing') return pinned
  const module = await moduleOf(release, env)
  if (module.kind === 'missing') return module
  const other = await locateOrBuild(toolsOf(release, module.path), env, say)
  if (other.kind === 'missing') return other
  return { kind: 'found', binaries: { ...pinned.binaries, ...other.binaries } }
}

const toolsOf = (release: string, module: string): Toolset<OfKubernetes> => ({
  what: `Kubernetes ${release}`,
  module,
  at: (path) => ({ 'kube-apiserver': path('kube-apiserver'), kubectl: path('kubectl') }),
  linkerFlags: versionFlags,
})

type Module =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing'; readonly remedy: string }

/** A Go module that builds this release, made once. Its folder is named by what decides what is in it: the release and this file. */
async function moduleOf(release: string, env: Environment): Promise<Module> {
  const recipe = createHash('sha256')
    .update(await readFile(import.meta.filename))
    .digest('hex')
  const path = join(cacheOf(env), 'modules', recipe.slice(0, 16), `kubernetes-${release}`)
  if (await isThere(path)) return { kind: 'found', path }
  await mkdir(dirname(path), { recursive: true })
  const staging = await mkdtemp(`${path}.making-`)
  try {
    await writeModule(staging, release, env)
    await rename(staging, path)
  } catch (error) {
    // Another process may have made the same module first, and then that one is used.
    if (!(await isThere(path))) return { kind: 'missing', remedy: remedyOf(release, error) }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
  return { kind: 'found', path }
}

const remedyOf = (release: string, error: unknown): string =>
  `no Go module for Kubernetes ${release}, which takes Go 1.26 or later on PATH (https://go.dev/dl) and a Go module proxy: ${String(error)}`

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

/** go.mod and go.sum with the versions that the release itself was built with. */
async function writeModule(directory: string, release: string, env: Environment): Promise<void> {
  const go = goIn(directory, env)
  const downloaded = recordOf(
    JSON.parse(await go('mod', 'download', '-json', `k8s.io/kubernetes@v${release}`)),
  )
  const pins = await readFile(textOf(downloaded['GoMod']), 'utf8')
  await writeFile(join(directory, 'go.mod'), goModOf(pins, release))
  const sums = join(directory, 'go.sum')
  await copyFile(join(textOf(downloaded['Dir']), 'go.sum'), sums)
  // Adds the sums of what lies in the release's own repository, and replaces "v0.0.0" by the versions that go.mod has.
  await go('list', '-mod=mod', '-deps', 'tool')
}

/**
 * The go.mod of the release, as that of a module of ours. In the release's repository `k8s.io/api` and its like are folders; here
 * they are the modules published from these folders, v0.30.14 for 1.30.14. Those of samples are not needed, nor all published.
 */
export function goModOf(pins: string, release: string): string {
  const language = /^go (?<minor>\d+\.\d+)/mu.exec(pins)?.groups?.['minor'] ?? ''
  const body = pins
    .replaceAll(/^\/\/.*\n/gmu, '')
    .replaceAll(/^.*k8s\.io\/sample-.*\n/gmu, '')
    .replaceAll(/^godebug default=.*\n/gmu, '')
    .replaceAll(/=> \.\/staging\/src\/(?<name>\S+)/gu, `=> $<name> v0.${release.slice('1.'.length)}`)
    .replace(/^module .*$/mu, `module kubernetes-${release}`)
    // Only Go 1.24 and later know tools in a go.mod. The godebug line keeps the runtime as it was for the Go of the release.
    .replace(/^go .*$/mu, `go 1.26.0\n\ngodebug default=go${language}`)
  return `${body}
require (
	k8s.io/kubernetes v${release}
)

tool (
	k8s.io/kubernetes/cmd/kube-apiserver
	k8s.io/kubernetes/cmd/kubectl
)
`
}

/** Runs `go` and gives what it prints. `go` gets the whole environment, which says where `go` and its cache are. */
function goIn(cwd: string, env: Environment) {
  const inherited = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  return async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProgram('go', args, {
      env: { ...inherited, GOWORK: 'off' },
      cwd,
    })
    if (code !== 0) throw new Error(`go ${args.join(' ')}:\n${stderr.slice(-4_000)}`)
    return stdout
  }
}
