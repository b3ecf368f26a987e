#!/usr/bin/env bash
# Guess: `namespace:` of a kustomization leaves alone what has no namespace, at least of the kinds that Kubernetes itself serves,
# since kustomize brings their schemas.
#
# Found, with kustomize 5.8.1, which kubectl 1.37 has built in: a kind counts as namespaced in each version
# that kustomize's schemas do not have. So FlowSchema v1, ValidatingAdmissionPolicyBinding v1 and DeviceClass v1 get a namespace, while ClusterRole v1 and
# FlowSchema v1beta1 get none.
#
# Output seen:
#   ValidatingAdmissionPolicyBinding v1: team
#   FlowSchema v1: team
#   FlowSchema v1beta1: none
#   ClusterRole v1: none
#   DeviceClass v1: team
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
GOPATH="$folder/go" GOBIN="$folder/bin" go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
mkdir "$folder/base"
cat > "$folder/base/kustomization.yaml" <<'YAML'
namespace: team
resources: [objects.yaml]
YAML
cat > "$folder/base/objects.yaml" <<'YAML'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: one}
spec: {policyName: one, validationActions: [Deny]}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: two}
spec: {priorityLevelConfiguration: {name: workload-high}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1beta1
kind: FlowSchema
metadata: {name: three}
spec: {priorityLevelConfiguration: {name: workload-high}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: four}
rules: []
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: five}
spec: {}
YAML
seen=$("$folder/bin/kustomize" build "$folder/base" | awk '
  /^apiVersion:/ { version = $2; sub(/.*\//, "", version); namespace = "none" }
  /^kind:/ { kind = $2 }
  /^  namespace:/ { namespace = $2 }
  /^---/ { print kind " " version ": " namespace }
  END { print kind " " version ": " namespace }' | sort)
echo "$seen"
wanted=$(sort <<'TEXT'
ValidatingAdmissionPolicyBinding v1: team
FlowSchema v1: team
FlowSchema v1beta1: none
ClusterRole v1: none
DeviceClass v1: team
TEXT
)
[ "$seen" = "$wanted" ]
