#!/usr/bin/env bash
# Guess: `loadYaml` of the JavaScript client parses one document and costs a bundle nothing that `KubeConfig` does not cost, since
# `KubeConfig` reads YAML too, with the same library.
#
# Found, with @kubernetes/client-node 2.0.1 bundled by rolldown 1.2.19: `loadYaml` looks at `kind` and turns what it read into an instance
# of the class of that kind. So it refers to the classes of all kinds, which no tree shaking can take out again: 758 modules under
# `gen/models` beside none, 980 KiB of code (not minified) more than 1635. A program that reads a file of its own with it, say a
# kubeconfig, holds all of them in memory.
#
# Output seen:
#   KubeConfig: 0 models
#   KubeConfig, loadYaml: 758 models
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{ "type": "module", "allowScripts": { "node": true } }' > package.json
npm install --silent --no-audit --no-fund @kubernetes/client-node@2.0.1 rolldown@1.2.19 node@26.10.0
cat > count.js <<'JS'
import { writeFileSync } from 'node:fs'
import { rolldown } from 'rolldown'

for (const name of ['KubeConfig', 'KubeConfig, loadYaml']) {
  writeFileSync('entry.js', `import { ${name} } from '@kubernetes/client-node'\nconsole.log([${name}])\n`)
  const build = await rolldown({
    input: 'entry.js',
    platform: 'node',
    treeshake: { moduleSideEffects: [{ test: /client-node/, sideEffects: false }] },
    onLog: () => {},
  })
  const { output } = await build.generate({ format: 'esm' })
  const models = output.flatMap((file) =>
    Object.entries(file.modules ?? {}).filter(([id, { code }]) => id.includes('/gen/models/') && code),
  )
  const size = output.reduce((sum, file) => sum + (file.code?.length ?? 0), 0)
  console.log(`${name}: ${models.length} models`)
  console.error(`${name}: ${Math.round(size / 1024)} KiB`)
}
JS
seen=$(node_modules/.bin/node count.js)
echo "$seen"
[ "$seen" = 'KubeConfig: 0 models
KubeConfig, loadYaml: 758 models' ]
