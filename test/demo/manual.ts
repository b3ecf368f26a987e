import type { Cluster } from './cluster.ts'

/** What to try while the demo stays up. */
export function manual({ kubeconfig, kubectl }: Cluster): string {
  const own = kubectl === undefined ? '' : `alias kubectl=${kubectl}\n  `
  return `
== It is up; Ctrl-C ends it. Try, in another terminal, from this directory:

  ${own}export KUBECONFIG=${kubeconfig}
  kubectl get iib
  kubectl get clusterspiffeids
  kubectl apply -f examples/refused/several-causes.yaml
  kubectl apply -f examples/refused/identity-collision.yaml
  kubectl delete iib mistral
  kubectl apply -f examples/accepted/pool-missing.yaml
  kubectl get iib mistral -o yaml
`
}
