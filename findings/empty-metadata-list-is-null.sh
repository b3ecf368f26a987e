#!/usr/bin/env bash
# Guess: a list of nothing has `"items": []` in whichever form an API server is asked for it, since the same request for whole
# objects, of a built-in kind or a custom one, is answered so.
#
# Found, with k8s.io/apimachinery 0.37.2, by which kube-apiserver 1.37 answers: a list of metadata alone
# (`as=PartialObjectMetadataList`) is written with `"items":null` when there is nothing in it, as its type neither leaves the field
# out nor insists on an array; a list of custom objects is written with `[]`. A client that takes an answer without an array for
# no list fails in every namespace that is empty, and nowhere else.
#
# Output seen:
#   metadata: {"metadata":{},"items":null}
#   custom objects: {"apiVersion":"example.org/v1","items":[],"kind":"ThingList"}
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
export GOPATH="$folder/go"
cd "$folder"
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	metadata, _ := json.Marshal(metav1.PartialObjectMetadataList{})
	fmt.Printf("metadata: %s\n", metadata)
	things := unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "example.org/v1", "kind": "ThingList"}}
	whole, _ := things.MarshalJSON()
	fmt.Printf("custom objects: %s", whole)
}
GO
go mod init example.org/lists 2>/dev/null
go get k8s.io/apimachinery/pkg/apis/meta/v1/unstructured@v0.37.2 2>/dev/null
seen=$(go run .)
echo "$seen"
wanted='metadata: {"metadata":{},"items":null}
custom objects: {"apiVersion":"example.org/v1","items":[],"kind":"ThingList"}'
[ "$seen" = "$wanted" ]
