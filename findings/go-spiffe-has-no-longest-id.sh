#!/usr/bin/env bash
# Guess: go-spiffe, by which SPIRE reads every SPIFFE ID, refuses one of more than 2,048 bytes, and a trust domain of more than 255, the
# lengths that the SPIFFE ID specification names (section 2).
#
# Found, with github.com/spiffe/go-spiffe/v2 2.9.0: `spiffeid` looks at characters and segments alone, and takes both at any length. Whoever
# generates IDs, from a template such as that of a ClusterSPIFFEID, has to keep to the lengths by themselves: nothing on the way to the
# workload says that an ID got longer than what every implementation must support.
#
# Output seen:
#   an ID of 3021 bytes: <nil>
#   a trust domain of 300 bytes: <nil>
#   an ID with an upper-case letter in its trust domain: trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
export GOPATH="$folder/go"
cd "$folder"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

func main() {
	id := "spiffe://example.org/" + strings.Repeat("a", 3000)
	_, err := spiffeid.FromString(id)
	fmt.Printf("an ID of %d bytes: %v\n", len(id), err)
	_, err = spiffeid.TrustDomainFromString(strings.Repeat("a", 300))
	fmt.Printf("a trust domain of 300 bytes: %v\n", err)
	_, err = spiffeid.FromString("spiffe://Example.org/a")
	fmt.Printf("an ID with an upper-case letter in its trust domain: %v\n", err)
}
GO
go mod init example.org/ids 2> /dev/null
go get github.com/spiffe/go-spiffe/v2/spiffeid@v2.9.0 2> /dev/null
seen=$(go run .)
echo "$seen"
[ "$(grep -c '<nil>$' <<< "$seen")" = 2 ]
grep -q 'upper-case letter in its trust domain: trust domain characters are limited' <<< "$seen"
