#!/usr/bin/env bash
# Guess: a credential that an exec plugin gives without `expirationTimestamp` is used until the API server refuses it with 401, and the
# plugin is run again for the next request, as client-go does.
#
# Found, with @kubernetes/client-node 2.0.1: it is kept until the process exits, whatever the API server answers. A program that runs
# for long goes on with a token that was revoked, or that a plugin renews by itself without telling when it ends.
#
# Output seen:
#   answers: 401 401 401; the plugin ran 1 time(s), tokens shown: token-1 token-1 token-1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund @kubernetes/client-node@2.0.1 node@26.10.0
cat > plugin.sh <<'SH'
#!/bin/sh
echo run >> "$RUNS"
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"token-%s"}}' "$(wc -l < "$RUNS" | tr -d ' ')"
SH
chmod +x plugin.sh
cat > refused.js <<'JS'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node'

const shown = []
const server = createServer((request, response) => {
  shown.push(String(request.headers.authorization).replace('Bearer ', ''))
  response.writeHead(401, { 'content-type': 'application/json' }).end('{"kind":"Status","apiVersion":"v1","code":401}')
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const runs = `${process.cwd()}/runs`
const config = new KubeConfig()
config.loadFromOptions({
  // The library speaks HTTP without TLS only so.
  clusters: [{ name: 'it', server: `http://127.0.0.1:${server.address().port}`, skipTLSVerify: true }],
  users: [
    {
      name: 'it',
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: `${process.cwd()}/plugin.sh`,
        env: [{ name: 'RUNS', value: runs }],
        interactiveMode: 'Never',
      },
    },
  ],
  contexts: [{ name: 'it', cluster: 'it', user: 'it' }],
  currentContext: 'it',
})
const api = config.makeApiClient(CoreV1Api)
const answers = []
for (let call = 0; call < 3; call += 1)
  await api.listNamespace().then(
    () => answers.push(200),
    ({ code }) => answers.push(code),
  )
const count = readFileSync(runs, 'utf8').trim().split('\n').length
console.log(`answers: ${answers.join(' ')}; the plugin ran ${count} time(s), tokens shown: ${shown.join(' ')}`)
server.close()
JS
node_modules/.bin/node refused.js | tee output
grep -qx 'answers: 401 401 401; the plugin ran 1 time(s), tokens shown: token-1 token-1 token-1' output
