export const usage = `Usage: npm run demo [-- FLAGS]

Applies the manifests of examples/ to an API server with the operator beside it, prints what kubectl would print,
and fails where anything differs from what an example says.

  --real    a real kube-apiserver and etcd instead of the one in memory; built with Go when there is none yet
  --serve   stay up afterwards, with a kubeconfig to try kubectl with, until Ctrl-C
`

export type Options = { readonly real: boolean; readonly serve: boolean }

export type Parsed =
  | { readonly kind: 'options'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'usage'; readonly problem: string }

export function parseOptions(argv: readonly string[]): Parsed {
  const unknown = argv.filter((arg) => !['--real', '--serve', '--help', '-h'].includes(arg))
  if (unknown.length > 0)
    return { kind: 'usage', problem: `unknown: ${unknown.map((arg) => JSON.stringify(arg)).join(', ')}` }
  if (argv.includes('--help') || argv.includes('-h')) return { kind: 'help' }
  return { kind: 'options', options: { real: argv.includes('--real'), serve: argv.includes('--serve') } }
}
