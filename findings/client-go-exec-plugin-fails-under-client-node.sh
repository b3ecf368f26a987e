#!/usr/bin/env bash
# Guess: the JavaScript client runs the exec plugin of a kubeconfig as kubectl does, so that a plugin that works there works here.
#
# Found, with @kubernetes/client-node 2.0.1 and k8s.io/client-go 0.36.3: the JavaScript client sets no KUBERNETES_EXEC_INFO, whatever
# `provideClusterInfo` says. client-go sets it for every plugin, and the function that it offers to those who write plugins,
# `LoadExecCredentialFromEnv`, gives an error without it. A plugin that begins with that function gives no credentials under the
# JavaScript client; with the variable added to the `env` of the kubeconfig's `exec` it does.
#
# Output seen:
#   as it is: Error: KUBERNETES_EXEC_INFO env var is unset or empty
#   with the variable: Bearer of client.authentication.k8s.io/v1
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
mkdir plugin
cat > plugin/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/auth/exec"
)

func main() {
	object, _, err := exec.LoadExecCredentialFromEnv()
	if err != nil {
		fmt.Fprint(os.Stderr, err)
		os.Exit(1)
	}
	version := object.GetObjectKind().GroupVersionKind().GroupVersion()
	fmt.Printf(`{"apiVersion":%q,"kind":"ExecCredential","status":{"token":"of %s"}}`, version, version)
}
GO
(cd plugin && go mod init example.org/token && go get k8s.io/client-go@v0.36.3 && go mod tidy && go build -o ../token .) > go.log 2>&1 || { cat go.log; exit 1; }
echo '{ "type": "module", "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund @kubernetes/client-node@2.0.1 node@26.10.0
cat > ask.js <<'JS'
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node'

const server = 'https://127.0.0.1:6443'
const apiVersion = 'client.authentication.k8s.io/v1'
const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false, cluster: { server } } }
const plugin = { apiVersion, command: `${process.cwd()}/token`, interactiveMode: 'Never', provideClusterInfo: true }

async function ask(exec) {
  const config = new KubeConfig()
  config.loadFromString(
    JSON.stringify({
      clusters: [{ name: 'it', cluster: { server } }],
      users: [{ name: 'it', user: { exec } }],
      contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
      'current-context': 'it',
    }),
  )
  const context = new RequestContext(`${server}/api`, HttpMethod.GET)
  await config.applySecurityAuthentication(context)
  return context.getHeaders().Authorization
}

console.log(`as it is: ${await ask(plugin).catch(String)}`)
const env = [{ name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }]
console.log(`with the variable: ${await ask({ ...plugin, env }).catch(String)}`)
JS
seen=$(node_modules/.bin/node ask.js)
echo "$seen"
[ "$seen" = 'as it is: Error: KUBERNETES_EXEC_INFO env var is unset or empty
with the variable: Bearer of client.authentication.k8s.io/v1' ]
