#!/usr/bin/env bash
# Guess: with `--enable-source-maps` Node reads the map of a module when the first stack trace through that module is made, and a program
# that throws nothing pays nothing.
#
# Found, with Node 26.10.0 and @babel/standalone 7.28.0 (5 MB of code, 22 MB of map): the map is read and parsed when the module is loaded,
# before anything has thrown. The heap after a collection is some 340 MiB larger for it, 15 times the file, and stays so when source
# maps are disabled later. A program that enables them after it has loaded its modules pays nothing, and its stacks are mapped for
# none of those modules.
#
# Output seen, heap in MiB before loading, after it, and after source maps were disabled:
#   never: 4 12 12
#   before loading: 4 354 354
#   after loading: 4 12 12
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"allowScripts":{"node":true}}' > package.json
npm install --silent --no-audit --no-fund node@26.10.0 @babel/standalone@7.28.0
cat > heap.cjs <<'JS'
const { setSourceMapsSupport } = require('node:module')
const when = process.argv[2]
const heap = () => {
  gc()
  gc()
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20)
}
const start = heap()
if (when === 'before loading') setSourceMapsSupport(true, { nodeModules: true })
require('@babel/standalone')
if (when === 'after loading') setSourceMapsSupport(true, { nodeModules: true })
const loaded = heap()
setSourceMapsSupport(false)
console.log(`${when}: ${start} ${loaded} ${heap()}`)
JS
seen() { node_modules/.bin/node --no-warnings --expose-gc heap.cjs "$1"; }
never=$(seen never)
before=$(seen 'before loading')
after=$(seen 'after loading')
printf '%s\n' "$never" "$before" "$after"
loaded() { awk '{ print $(NF - 1) }' <<< "$1"; }
left() { awk '{ print $NF }' <<< "$1"; }
[ "$(loaded "$before")" -gt $((10 * $(loaded "$never"))) ]
[ "$(left "$before")" -gt $((10 * $(left "$never"))) ]
[ "$(loaded "$after")" -lt $((2 * $(loaded "$never"))) ]
