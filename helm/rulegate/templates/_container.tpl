{{/* The container with its volumes, the same in both modes. */}}

{{/* Everything but how it is started: as a container, or as a sidecar. */}}
{{- define "rulegate.container" -}}
{{- $v := .Values -}}
name: rulegate
image: {{ include "rulegate.image" . | quote }}
imagePullPolicy: {{ $v.image.pullPolicy }}
args: [serve]
env:
  - {name: RULEGATE_PROJECT, value: /etc/rulegate}
  {{- include "rulegate.listenEnv" . | nindent 2 }}
  - {name: RULEGATE_LOG, value: {{ $v.log.level | quote }}}
  - {name: RULEGATE_LOG_FORMAT, value: {{ $v.log.format | quote }}}
  {{- include "rulegate.databaseEnv" . | nindent 2 }}
  {{- if $v.trustedCa.existingConfigMap }}
  - {name: SSL_CERT_FILE, value: {{ include "rulegate.secrets" . }}/trusted-ca/ca.crt}
  {{- end }}
  {{- with $v.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $v.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - {name: rulegate-api, containerPort: {{ $v.ports.api }}, protocol: TCP}
  - {name: rulegate-admin, containerPort: {{ $v.ports.admin }}, protocol: TCP}
startupProbe:
  {{- include "rulegate.probe" (list "/startupz" $v.probes.startup) | nindent 2 }}
livenessProbe:
  {{- include "rulegate.probe" (list "/livez" $v.probes.liveness) | nindent 2 }}
{{- if or (eq $v.mode "gateway") $v.sidecar.readiness }}
readinessProbe:
  {{- include "rulegate.probe" (list "/readyz" $v.probes.readiness) | nindent 2 }}
{{- end }}
{{- with include "rulegate.sleep" . | int }}
lifecycle:
  preStop:
    sleep: {seconds: {{ . }}}
{{- end }}
{{- with $v.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml $v.securityContext | nindent 2 }}
volumeMounts:
  {{- include "rulegate.mounts" . | nindent 2 }}
{{- end -}}

{{- define "rulegate.probe" -}}
{{- $asked := dict "httpGet" (dict "path" (index . 0) "port" "rulegate-admin") -}}
{{- toYaml (merge $asked (index . 1)) -}}
{{- end -}}

{{/* The URL of the database, from where it is kept. */}}
{{- define "rulegate.databaseEnv" -}}
{{- with .Values.database -}}
{{- if .sqlite.existingClaim -}}
- {name: RULEGATE_DATABASE_URL, value: {{ printf "sqlite:///data/%s" .sqlite.file | quote }}}
{{- else if not .asFile -}}
{{- $name := ternary "DATABASE_URL_WITHOUT_PARAMETERS" "RULEGATE_DATABASE_URL" (ne .parameters "") -}}
- name: {{ $name }}
  valueFrom:
    secretKeyRef: {name: {{ .existingSecret | quote }}, key: {{ .key | quote }}}
{{- if .parameters }}
- {name: RULEGATE_DATABASE_URL, value: {{ printf "$(%s)?%s" $name .parameters | quote }}}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rulegate.mounts" -}}
- {name: rulegate-project, mountPath: /etc/rulegate, readOnly: true}
{{- range tuple "rules" "access" }}
{{- if include "rulegate.hasFiles" (index $.Values .) }}
- {name: rulegate-{{ . }}, mountPath: /etc/rulegate/{{ . }}, readOnly: true}
{{- end }}
{{- end }}
{{- range (include "rulegate.mounted" . | fromYaml).mounted }}
- {name: rulegate-{{ .name }}, mountPath: {{ include "rulegate.secrets" $ }}/{{ .name }}, readOnly: true}
{{- end }}
{{- if .Values.database.sqlite.existingClaim }}
- {name: rulegate-data, mountPath: /data}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "rulegate.volumes" -}}
{{- $name := include "rulegate.fullname" . -}}
- name: rulegate-project
  projected:
    defaultMode: 0444
    sources:
      - configMap: {name: {{ $name }}}
      {{- with .Values.model }}
      {{- if .existingConfigMap }}
      - configMap:
          name: {{ .existingConfigMap | quote }}
          items: [{key: {{ .key | quote }}, path: model.yaml}]
      {{- end }}
      {{- end }}
{{- range tuple "rules" "access" }}
{{- $folder := index $.Values . }}
{{- if include "rulegate.hasFiles" $folder }}
- name: rulegate-{{ . }}
  projected:
    defaultMode: 0444
    sources:
      {{- if $folder.files }}
      - configMap: {name: {{ $name }}-{{ . }}}
      {{- end }}
      {{- range $folder.existingConfigMaps }}
      - configMap: {name: {{ . | quote }}}
      {{- end }}
{{- end }}
{{- end }}
{{- range (include "rulegate.mounted" . | fromYaml).mounted }}
- name: rulegate-{{ .name }}
  {{- include "rulegate.source" (list $ .) | nindent 2 }}
{{- end }}
{{- with .Values.database.sqlite.existingClaim }}
- name: rulegate-data
  persistentVolumeClaim: {claimName: {{ . | quote }}}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* In Pods of others the group of volumes is not known, so that everybody in the container may read them. */}}
{{- define "rulegate.source" -}}
{{- $root := index . 0 -}}
{{- with index . 1 -}}
{{- if .secret -}}
secret:
  secretName: {{ .secret | quote }}
  defaultMode: {{ ternary "0440" "0444" (eq $root.Values.mode "gateway") }}
{{- else -}}
configMap:
  name: {{ .configMap | quote }}
  defaultMode: 0444
{{- end }}
{{- if .key }}
  items: [{key: {{ .key | quote }}, path: {{ .file }}}]
{{- end }}
{{- end -}}
{{- end -}}

{{- define "rulegate.hasFiles" -}}
{{- if or .files .existingConfigMaps }}true{{ end -}}
{{- end -}}
