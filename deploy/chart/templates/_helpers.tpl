{{/* The objects of a file of deploy, which `path` names below files/, in the namespace of the release. */}}
{{- define "kleym.objects" -}}
{{- range splitList "\n---\n" (include "kleym.text" .) }}
---
{{ include "kleym.labelled" (dict "root" $.root "object" (fromYaml .)) }}
{{- end }}
{{- end }}

{{/* The one object of a file, to be changed before it is written by kleym.labelled. */}}
{{- define "kleym.text" -}}
{{- .root.Files.Get (printf "files/%s" .path)
  | replace "kleym-system" .root.Release.Namespace
  | replace "$(WEBHOOK_SERVICE_NAME)" "kleym-operator-webhook-service"
  | replace "$(WEBHOOK_SERVICE_NAMESPACE)" .root.Release.Namespace }}
{{- end }}

{{- define "kleym.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What the object says itself wins: by its own labels others find it. */}}
{{- define "kleym.labelled" -}}
{{- $metadata := .object.metadata }}
{{- $_ := set $metadata "labels" (merge (dict) ($metadata.labels | default dict) (include "kleym.labels" .root | fromYaml)) }}
{{- with merge (dict) ($metadata.annotations | default dict) .root.Values.annotations }}
{{- $_ := set $metadata "annotations" . }}
{{- end }}
{{- toYaml .object }}
{{- end }}

{{- define "kleym.image" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end }}
{{- end }}

{{- define "kleym.config" -}}
KLEYM_TRUST_DOMAIN: {{ required "trustDomain is missing: set it to the trust_domain of your SPIRE server, such as --set trustDomain=prod.example.com" .Values.trustDomain | quote }}
{{- with .Values.className }}
KLEYM_CLUSTERSPIFFEID_CLASS_NAME: {{ . | quote }}
{{- end }}
{{- end }}

{{/* A JSON list of the flags beside those of the Deployment. */}}
{{- define "kleym.args" -}}
{{- $args := list }}
{{- if .certManager.enabled }}
{{- $args = append $args "--webhook-cert-dir=/var/run/kleym/webhook" }}
{{- end }}
{{- range $reason, $action := .actions }}
{{- $args = append $args (printf "--webhook-action=%s=%s" $reason $action) }}
{{- end }}
{{- with .onReferences }}
{{- $args = append $args (printf "--webhook-on-references=%s" .) }}
{{- end }}
{{- with .onLoss }}
{{- $args = append $args (printf "--webhook-on-loss=%s" .) }}
{{- end }}
{{- if not .workloads }}
{{- $args = append $args "--workloads=false" }}
{{- end }}
{{- with .logLevel }}
{{- $args = append $args (printf "--log-level=%s" .) }}
{{- end }}
{{- concat $args .extraArgs | toJson }}
{{- end }}
