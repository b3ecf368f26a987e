#!/usr/bin/env bash
# Guess: the JavaScript client reads a kubeconfig's users as kubectl does, so a user with a `tokenFile` is sent with the token in that file.
#
# Found, with @kubernetes/client-node 2.0.1: it knows no `tokenFile`, the name in client-go's kubeconfig API (clientcmd v1, AuthInfo), and
# sends no Authorization at all, without a word. It reads `token-file` instead, which kubectl does not know, and that once, when the kubeconfig is loaded.
# A token file that is read again each minute exists in it, but only for a pod's own ServiceAccount.
#
# Output seen:
#   tokenFile: undefined
#   token-file: Bearer secret
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @kubernetes/client-node@2.0.1
printf secret > token
cat > main.mjs <<'JS'
import { KubeConfig } from '@kubernetes/client-node'

for (const key of ['tokenFile', 'token-file']) {
  const config = new KubeConfig()
  config.loadFromString(
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'u', user: { [key]: 'token' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  )
  const options = { headers: {} }
  await config.applyToHTTPSOptions(options)
  console.log(`${key}: ${options.headers.Authorization}`)
}
JS
seen=$(node main.mjs)
echo "$seen"
[ "$seen" = $'tokenFile: undefined\ntoken-file: Bearer secret' ]
