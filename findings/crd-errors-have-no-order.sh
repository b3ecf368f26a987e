#!/usr/bin/env bash
# Guess: an API server that refuses a custom resource for several fields names them in one order, that of the fields or of the schema, so that the
# same object is refused in the same words each time.
#
# Found, with k8s.io/apiextensions-apiserver v0.37.2: the validation goes through a Go map of the object's properties, and nothing sorts the
# errors afterwards. The same object, refused 200 times by one schema, gives three orders of three fields. Whoever compares the texts of two
# refusals, to write a status only when something has changed for instance, sees a change that is none.
#
# Output seen:
#   orders of the same three errors: 3
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
export GOPATH="$folder/go"
mkdir "$folder/main"
cd "$folder/main"
cat > main.go <<'GO'
package main

import (
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
)

func main() {
	text := apiextensions.JSONSchemaProps{Type: "string"}
	schema := apiextensions.JSONSchemaProps{
		Type:       "object",
		Properties: map[string]apiextensions.JSONSchemaProps{"first": text, "second": text, "third": text},
	}
	validator, _, err := validation.NewSchemaValidator(&schema)
	if err != nil {
		panic(err)
	}
	object := map[string]interface{}{"first": int64(1), "second": int64(2), "third": int64(3)}
	orders := map[string]bool{}
	for round := 0; round < 200; round++ {
		order := ""
		for _, one := range validation.ValidateCustomResource(nil, object, validator) {
			order += one.Field + " "
		}
		orders[order] = true
	}
	fmt.Printf("orders of the same three errors: %d\n", len(orders))
}
GO
go mod init example.org/orders 2> /dev/null
go get k8s.io/apiextensions-apiserver@v0.37.2 2> /dev/null
go mod tidy 2> /dev/null
seen=$(go run .)
echo "$seen"
[ "${seen##* }" -gt 1 ]
