{{/* Names and labels. */}}

{{- define "rulegate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for what is put behind it. */}}
{{- define "rulegate.fullname" -}}
{{- $name := include "rulegate.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "rulegate.serviceAccount" -}}
{{- $own := ternary (include "rulegate.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $own .Values.serviceAccount.name -}}
{{- end -}}

{{- define "rulegate.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The name of the port of the Service of the API. */}}
{{- define "rulegate.scheme" -}}
{{- ternary "https" "http" (ne .Values.tls.existingSecret "") -}}
{{- end -}}

{{- define "rulegate.selector" -}}
app.kubernetes.io/name: {{ include "rulegate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end -}}

{{/* Of Pods with the sidecar: whoever includes it puts this among the labels of his Pods, for the PodMonitor to find them. */}}
{{- define "rulegate.sidecar.labels" -}}
rulegate-sidecar: {{ include "rulegate.fullname" . }}
{{- end -}}

{{/* The labels by which Pods with Rulegate are found, whichever the mode. */}}
{{- define "rulegate.pods" -}}
{{- if eq .Values.mode "gateway" }}{{ include "rulegate.selector" . }}{{ else }}{{ include "rulegate.sidecar.labels" . }}{{ end -}}
{{- end -}}

{{- define "rulegate.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "rulegate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* metadata: (list context suffix labels annotations). Labels here come after those of everything. */}}
{{- define "rulegate.metadata" -}}
{{- $root := index . 0 -}}
{{- $labels := merge (deepCopy (index . 2)) (include "rulegate.labels" $root | fromYaml) -}}
{{- $annotations := merge (deepCopy (index . 3)) $root.Values.commonAnnotations -}}
name: {{ include "rulegate.fullname" $root }}{{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "rulegate.testLabels" -}}
app.kubernetes.io/name: {{ include "rulegate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{/* Labels of Pods: (list context selector). None that a new version of the chart changes. */}}
{{- define "rulegate.podLabels" -}}
{{- $root := index . 0 -}}
{{- merge (deepCopy (index . 1)) $root.Values.podLabels $root.Values.commonLabels | toYaml -}}
{{- end -}}
