import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { programsOf } from '../go-tools/toolset.ts'
import { controlPlaneTools } from './binaries.ts'
import { goModOf, locateOrBuildControlPlane } from './kubernetes-releases.ts'
import { script, scratchDirectory } from './scratch.ts'

const say = (): void => undefined

const pins = `// This is a generated file.

module k8s.io/kubernetes

go 1.22.0

require (
	github.com/google/go-cmp v0.6.0
	k8s.io/api v0.0.0
	k8s.io/sample-apiserver v0.0.0
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/sample-apiserver => ./staging/src/k8s.io/sample-apiserver
)
`

test('the module of a release has its pins, and the modules published from its folders', () => {
  expect(goModOf(pins, '1.30.14')).toBe(`
module kubernetes-1.30.14

go 1.26.0

godebug default=go1.22

require (
	github.com/google/go-cmp v0.6.0
	k8s.io/api v0.0.0
)

replace (
	k8s.io/api => k8s.io/api v0.30.14
)

require (
	k8s.io/kubernetes v1.30.14
)

tool (
	k8s.io/kubernetes/cmd/kube-apiserver
	k8s.io/kubernetes/cmd/kubectl
)
`)
})

test('a minor that is not known is refused, with those that are', async () => {
  const outcome = await locateOrBuildControlPlane({ KLEYM_TEST_KUBERNETES: '1.9' }, say)
  expect(outcome).toEqual({ kind: 'missing', remedy: expect.stringContaining('1.30, 1.34, 1.36') })
})

test('a minor is built once, into a folder of its own, and has the pinned etcd', async () => {
  const { scratch, env, log } = await machine()
  const outcome = await locateOrBuildControlPlane({ ...env, KLEYM_TEST_KUBERNETES: '1.30' }, say)
  const ofMinor = expect.stringMatching(`^${scratch}/kleym-operator/kubernetes-1.30.14/[0-9a-f]{16}/`)
  expect(outcome).toEqual({
    kind: 'found',
    binaries: { etcd: join(scratch, 'pinned/etcd'), 'kube-apiserver': ofMinor, kubectl: ofMinor },
  })
  const { 'kube-apiserver': built } = outcome.kind === 'found' ? outcome.binaries : { 'kube-apiserver': '' }
  expect(await readFile(built, 'utf8')).toContain('gitVersion=v1.30.14')
  const before = await readFile(log, 'utf8')
  expect(before.split('\n').map((line) => line.split(' ')[0])).toEqual(['mod', 'list', 'install', ''])
  expect(await locateOrBuildControlPlane({ ...env, KLEYM_TEST_KUBERNETES: '1.30' }, say)).toEqual(outcome)
  expect(await readFile(log, 'utf8')).toBe(before)
})

test('without a minor the pinned programs are taken, and nothing is built', async () => {
  const { scratch, env, log } = await machine()
  expect(await locateOrBuildControlPlane(env, say)).toMatchObject({
    kind: 'found',
    binaries: { kubectl: join(scratch, 'pinned/kubectl') },
  })
  expect(await readFile(log, 'utf8')).toBe('')
})

test('what keeps the module from being made is in the remedy, and it is made again', async () => {
  const { env, log } = await machine('echo "no such release" >&2; exit 1')
  const failing = () => locateOrBuildControlPlane({ ...env, KLEYM_TEST_KUBERNETES: '1.30' }, say)
  expect(await failing()).toEqual({ kind: 'missing', remedy: expect.stringContaining('no such release') })
  await failing()
  expect(await readFile(log, 'utf8')).toMatch(/^(?:mod download .*\n){2}$/u)
})

/** A machine with the pinned programs, and a `go` that knows one release. */
async function machine(instead = '') {
  const scratch = await scratchDirectory()
  const [pinned, bin, log] = ['pinned', 'bin', 'runs'].map((name) => join(scratch, name))
  if (pinned === undefined || bin === undefined || log === undefined) throw new Error('no folders')
  for (const folder of [pinned, bin, join(scratch, 'release')]) await mkdir(folder)
  for (const program of programsOf(controlPlaneTools)) await script(join(pinned, program), '')
  const goMod = join(scratch, 'release/go.mod')
  await writeFile(goMod, pins)
  await writeFile(join(scratch, 'release/go.sum'), 'k8s.io/api v0.30.14 h1:x\n')
  await writeFile(log, '')
  const download = JSON.stringify({ GoMod: goMod, Dir: dirname(goMod) })
  await script(
    join(bin, 'go'),
    `echo "$*" >>'${log}'
    ${instead}
    case $1 in
      mod) echo '${download}' ;;
      install) for program in kube-apiserver kubectl; do
        echo "# $*" >"$GOBIN/$program" && chmod +x "$GOBIN/$program"
      done ;;
    esac`,
  )
  const env = {
    PATH: [bin, '/usr/bin', '/bin'].join(delimiter),
    XDG_CACHE_HOME: scratch,
    KUBEBUILDER_ASSETS: pinned,
  }
  return { scratch, env, log }
}
