import { resolve } from 'node:path'
import { type Toolset, versionIn } from '../go-tools/toolset.ts'

/** The path of each program. */
export type Binaries = Readonly<Record<'etcd' | 'kube-apiserver' | 'kubectl', string>>

/** Found as everyone's envtest finds them. */
export const controlPlaneTools: Toolset<Binaries> = {
  what: 'a real control plane',
  module: resolve(import.meta.dirname, '../../controlplane'),
  variable: 'KUBEBUILDER_ASSETS',
  at: (path) => ({
    etcd: path('etcd'),
    'kube-apiserver': path('kube-apiserver'),
    kubectl: path('kubectl'),
  }),
  // The path of etcd's module ends in server/v3.
  builtAs: { etcd: 'server' },
  linkerFlags: versionFlags,
}

/** Without a version in the binaries, whatever parses the API server's version fails. */
export function versionFlags(goMod: string): string {
  const version = versionIn(goMod, 'k8s.io/kubernetes')
  const [major, minor] = version.slice(1).split('.')
  const variable = 'k8s.io/component-base/version'
  return `-s -w -X ${variable}.gitVersion=${version} -X ${variable}.gitMajor=${major} -X ${variable}.gitMinor=${minor}`
}
