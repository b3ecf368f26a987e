#!/usr/bin/env bash
# Guess: since Kubernetes 1.30, in which ratcheting is on by default, an object that breaks a rule of its CustomResourceDefinition made later can
# be written as long as the field that breaks the rule stays as it is, by each way of writing it, `/status` included. No status write
# touches the spec.
#
# Found, with k8s.io/apiextensions-apiserver 0.30.14 and 0.34.4, by which kube-apiserver 1.30 and 1.34 validate: up to 1.32 (by its source) the strategy of `/status`
# runs the rules over the whole object without looking at what was there before. So a rule that is added to the spec has every
# controller's status writes refused with 422 for the objects that break it, while the same objects can be labelled and edited. A rule must then
# let pass by itself what was wrong before: `optionalOldSelf: true` with `oldSelf.hasValue() && oldSelf.value() == self`.
#
# Output seen:
#   v0.30.14: label: []; status: [spec.mode: Invalid value: "string": on or off]
#   v0.34.4: label: []; status: []
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
export GOPATH="$folder/go"
cd "$folder"
cat > main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	runtimeschema "k8s.io/apimachinery/pkg/runtime/schema"
)

const openAPI = `{
  "type": "object",
  "properties": {
    "spec": {
      "type": "object",
      "properties": {
        "mode": {"type": "string", "x-kubernetes-validations": [{"rule": "self in ['on', 'off']", "message": "on or off"}]}
      }
    },
    "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}}
  }
}`

// A Thing that was stored before the rule was made.
func thing() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.org/v1",
		"kind":       "Thing",
		"metadata":   map[string]any{"name": "one", "namespace": "default", "resourceVersion": "1"},
		"spec":       map[string]any{"mode": "dimmed"},
		"status":     map[string]any{},
	}}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	written, props := &v1.JSONSchemaProps{}, &apiextensions.JSONSchemaProps{}
	check(json.Unmarshal([]byte(openAPI), written))
	check(v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(written, props, nil))
	structural, err := schema.NewStructural(props)
	check(err)
	whole, _, err := validation.NewSchemaValidator(props)
	check(err)
	statusProps := props.Properties["status"]
	ofStatus, _, err := validation.NewSchemaValidator(&statusProps)
	check(err)
	kind := runtimeschema.GroupVersionKind{Group: "example.org", Version: "v1", Kind: "Thing"}
	subresource := &apiextensions.CustomResourceSubresourceStatus{}
	object := customresource.NewStrategy(nil, true, kind, whole, ofStatus, structural, subresource, nil, nil)
	status := customresource.NewStatusStrategy(object)

	labelled, reported := thing(), thing()
	labelled.SetLabels(map[string]string{"a": "b"})
	check(unstructured.SetNestedField(reported.Object, true, "status", "ready"))
	ctx := context.Background()
	fmt.Printf("label: %v; status: %v\n", object.ValidateUpdate(ctx, labelled, thing()), status.ValidateUpdate(ctx, reported, thing()))
}
GO
# Without paths in what is compiled, two runs share the build cache.
export GOFLAGS=-trimpath
seen=$(
  for version in v0.30.14 v0.34.4; do
    rm -f go.mod go.sum
    go mod init example.org/ratcheting 2> /dev/null
    go get "k8s.io/apiextensions-apiserver/pkg/registry/customresource@$version" 2> /dev/null
    echo "$version: $(go run .)"
  done
)
echo "$seen"
wanted='v0.30.14: label: []; status: [spec.mode: Invalid value: "string": on or off]
v0.34.4: label: []; status: []'
[ "$seen" = "$wanted" ]
