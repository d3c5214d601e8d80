{{/*
What a chart of one's own includes, with this chart among its dependencies and `mode: sidecar`:

    spec:
      terminationGracePeriodSeconds: {{ include "rulegate.sidecar.terminationGracePeriodSeconds" (list .Subcharts.rulegate 30) }}
      initContainers:
        {{- include "rulegate.sidecar.container" .Subcharts.rulegate | nindent 8 }}
      volumes:
        {{- include "rulegate.sidecar.volumes" .Subcharts.rulegate | nindent 8 }}
*/}}

{{/* An item of `initContainers`: started before the application, stopped after it. */}}
{{- define "rulegate.sidecar.container" -}}
- restartPolicy: Always
  {{- include "rulegate.container" . | nindent 2 }}
{{- end -}}

{{/* Items of `volumes`. */}}
{{- define "rulegate.sidecar.volumes" -}}
{{- include "rulegate.volumes" . -}}
{{- end -}}

{{/* For `annotations` of the Pod template: changes with the settings that only a start reads. */}}
{{- define "rulegate.sidecar.annotations" -}}
rulegate/restart: {{ include "rulegate.restart" . }}
{{- end -}}

{{/* (list context seconds): for the application's seconds, and after them the sidecar's. */}}
{{- define "rulegate.sidecar.terminationGracePeriodSeconds" -}}
{{- $root := index . 0 -}}
{{- $drain := include "rulegate.drain" $root -}}
{{- add (index . 1) $drain $root.Values.shutdown.marginSeconds -}}
{{- end -}}

{{/* For `env` of the application: where the API is, and where what is under it. */}}
{{- define "rulegate.sidecar.env" -}}
{{- $config := .Values.config -}}
{{- $prefix := default "/api" (default dict $config.api).prefix -}}
- {name: RULEGATE_URL, value: {{ printf "%s://127.0.0.1:%d%s" (include "rulegate.scheme" .) (int .Values.ports.api) $prefix | quote }}}
{{- end -}}
