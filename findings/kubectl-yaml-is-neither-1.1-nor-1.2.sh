#!/usr/bin/env bash
# Guess: kubectl reads numbers as YAML 1.1 has them, so that a parser set to version 1.1 agrees with it: 017 is fifteen, 0o17 is a text, and
# 190:20:30 is a number of base 60.
#
# Found, with sigs.k8s.io/yaml 1.6.0, by which kubectl reads manifests, beside npm's yaml 2.9.1 set to each version: it takes the octal
# numbers of both versions, has no base 60, and keeps a number that no float can hold as a text, of which the other parser makes Infinity in
# both versions. No one setting of that parser reads all of these as kubectl does, so a tool that judges manifests needs a schema of its own.
#
# Output seen (kubectl's, then version 1.1, then version 1.2):
#   017: 15, 15, 17
#   0o17: 15, "0o17", 15
#   1_000: 1000, 1000, "1_000"
#   1e400: "1e400", Infinity, Infinity
#   190:20:30: "190:20:30", 685230, "190:20:30"
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
export GOPATH="$folder/go"
cd "$folder"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	for _, text := range os.Args[1:] {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			panic(err)
		}
		if _, isText := value.(string); isText {
			fmt.Printf("%q\n", value)
		} else {
			fmt.Println(value)
		}
	}
}
GO
cat > main.mjs <<'JS'
import { parse } from 'yaml'

const [version, ...texts] = process.argv.slice(2)
for (const text of texts) {
  const value = parse(text, { version })
  console.log(typeof value === 'string' ? JSON.stringify(value) : String(value))
}
JS
go mod init example.org/numbers 2> /dev/null
go get sigs.k8s.io/yaml@v1.6.0 2> /dev/null
npm install --silent --no-fund --no-audit yaml@2.9.1 > /dev/null
texts=(017 0o17 1_000 1e400 190:20:30)
seen=$(paste -d '|' <(printf '%s:\n' "${texts[@]}") <(go run . "${texts[@]}") <(node main.mjs 1.1 "${texts[@]}") <(node main.mjs 1.2 "${texts[@]}") |
  sed 's/|/ /; s/|/, /g')
echo "$seen"
[ "$seen" = '017: 15, 15, 17
0o17: 15, "0o17", 15
1_000: 1000, 1000, "1_000"
1e400: "1e400", Infinity, Infinity
190:20:30: "190:20:30", 685230, "190:20:30"' ]
