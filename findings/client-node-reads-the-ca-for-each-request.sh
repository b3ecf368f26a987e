#!/usr/bin/env bash
# Guess: the JavaScript client reads the file that a kubeconfig names as `certificate-authority` once, when it loads the kubeconfig, and keeps what
# it made of it; and requests to one API server share their connections.
#
# Found, with @kubernetes/client-node 2.0.1: `applySecurityAuthentication`, which the generated API calls for each request, reads the file anew
# each time, and synchronously, so that the event loop waits for the disk; and it makes an agent of its own each time, so that no two
# requests share a connection or a TLS session. A client of many requests has to keep the agents itself and make a new one only when the
# options differ.
#
# Output seen:
#   10 requests: the file was read 10 times, there were 10 agents
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund @kubernetes/client-node@2.0.1 node@26.10.0
cat > count.js <<'JS'
import fs from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'

const file = `${process.cwd()}/ca.crt`
fs.writeFileSync(file, 'a certificate')
let reads = 0
const read = fs.readFileSync
fs.readFileSync = (path, ...rest) => {
  if (path === file) reads += 1
  return read(path, ...rest)
}
syncBuiltinESMExports()
const { HttpMethod, KubeConfig, RequestContext } = await import('@kubernetes/client-node')
const config = new KubeConfig()
config.loadFromString(`
apiVersion: v1
kind: Config
current-context: it
clusters: [{ name: it, cluster: { server: 'https://127.0.0.1:6443', certificate-authority: ${file} } }]
users: [{ name: it, user: { token: abc } }]
contexts: [{ name: it, context: { cluster: it, user: it } }]
`)
reads = 0
const agents = new Set()
for (let request = 0; request < 10; request += 1) {
  const context = new RequestContext('https://127.0.0.1:6443/api', HttpMethod.GET)
  await config.applySecurityAuthentication(context)
  agents.add(context.getDispatcher())
}
console.log(`10 requests: the file was read ${reads} times, there were ${agents.size} agents`)
JS
seen=$(node_modules/.bin/node count.js)
echo "$seen"
[ "$seen" = '10 requests: the file was read 10 times, there were 10 agents' ]
