#!/usr/bin/env bash
# Guess: the CA that a kubeconfig names for a cluster is trusted whoever connects; a context without a user means an anonymous request.
#
# Found, with @kubernetes/client-node 2.0.1: `certificate-authority-data`, `tls-server-name` and `insecure-skip-tls-verify` of the cluster
# are taken over only if the context has a user, because they are read in the function that reads the user's client certificate, after a
# return for `no user`. Without one the API server's certificate is checked against the public CAs, and the connection fails. A
# user without any credentials is enough.
#
# Output seen:
#   without a user: ca false, servername undefined
#   with a user without credentials: ca true, servername api.example.org
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund @kubernetes/client-node@2.0.1 node@26.10.0
cat > tls.js <<'JS'
import { KubeConfig } from '@kubernetes/client-node'

const cluster = {
  server: 'https://127.0.0.1:6443',
  'certificate-authority-data': Buffer.from('a certificate').toString('base64'),
  'tls-server-name': 'api.example.org',
}

async function tlsOf(context, users) {
  const config = new KubeConfig()
  config.loadFromString(
    JSON.stringify({
      clusters: [{ name: 'it', cluster }],
      users,
      contexts: [{ name: 'it', context: { cluster: 'it', ...context } }],
      'current-context': 'it',
    }),
  )
  const options = {}
  await config.applyToHTTPSOptions(options)
  return `ca ${options.ca !== undefined}, servername ${options.servername}`
}

console.log(`without a user: ${await tlsOf({}, [])}`)
console.log(`with a user without credentials: ${await tlsOf({ user: 'me' }, [{ name: 'me', user: {} }])}`)
JS
seen=$(node_modules/.bin/node tls.js)
echo "$seen"
[ "$seen" = 'without a user: ca false, servername undefined
with a user without credentials: ca true, servername api.example.org' ]
