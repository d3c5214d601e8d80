{{/* rulegate.yaml, and what follows from it. */}}

{{/* Where secrets are mounted; each in a folder of its own, so that an exchange is seen. */}}
{{- define "rulegate.secrets" -}}/run/secrets/rulegate{{- end -}}

{{/* What is mounted from Secrets and ConfigMaps that exist: volume, folder, file, source and key, as YAML. */}}
{{- define "rulegate.mounted" -}}
{{- $v := .Values -}}
mounted:
{{- if and $v.database.asFile $v.database.existingSecret }}
  - {name: database, file: url, secret: {{ $v.database.existingSecret | quote }}, key: {{ $v.database.key | quote }}}
{{- end }}
{{- with $v.database.ca }}
{{- if or .existingSecret .existingConfigMap }}
  - {name: database-ca, file: ca.crt, secret: {{ .existingSecret | quote }}, configMap: {{ .existingConfigMap | quote }}, key: {{ .key | quote }}}
{{- end }}
{{- end }}
{{- with $v.jwt.secret }}
{{- if .existingSecret }}
  - {name: jwt-secret, file: secret, secret: {{ .existingSecret | quote }}, key: {{ .key | quote }}}
{{- end }}
{{- end }}
{{- with $v.jwt.publicKey }}
{{- if or .existingSecret .existingConfigMap }}
  - {name: jwt-public-key, file: public.pem, secret: {{ .existingSecret | quote }}, configMap: {{ .existingConfigMap | quote }}, key: {{ .key | quote }}}
{{- end }}
{{- end }}
{{- with $v.upstream }}
{{- if .existingSecret }}
  - {name: upstream, file: secret, secret: {{ .existingSecret | quote }}, key: {{ .key | quote }}}
{{- end }}
{{- end }}
{{- with $v.reload }}
{{- if .existingSecret }}
  - {name: reload, file: token, secret: {{ .existingSecret | quote }}, key: {{ .key | quote }}}
{{- end }}
{{- end }}
{{- with $v.tls.existingSecret }}
  - {name: tls, secret: {{ . | quote }}}
{{- end }}
{{- with $v.trustedCa }}
{{- if .existingConfigMap }}
  - {name: trusted-ca, file: ca.crt, configMap: {{ .existingConfigMap | quote }}, key: {{ .key | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{/* Whether whoever reaches the Pod reaches the API. */}}
{{- define "rulegate.exposed" -}}
{{- if or (eq .Values.mode "gateway") .Values.sidecar.exposed }}true{{ end -}}
{{- end -}}

{{/* `config`, and what the chart sets in it. Each section is taken as empty where it is null. */}}
{{- define "rulegate.settings" -}}
{{- $v := .Values -}}
{{- $secrets := include "rulegate.secrets" . -}}
{{- $config := deepCopy $v.config -}}
{{- $server := deepCopy (default dict $config.server) -}}
{{- if and (include "rulegate.sleepless" .) (not (hasKey $server "drain_ms")) -}}
{{- $_ := set $server "drain_ms" (mul 1000 (int $v.shutdown.preStopSeconds)) -}}
{{- end -}}
{{- if $v.tls.existingSecret -}}
{{- $_ := set $server "tls" (dict "cert_file" (printf "%s/tls/tls.crt" $secrets) "key_file" (printf "%s/tls/tls.key" $secrets)) -}}
{{- end -}}
{{- if $v.reload.existingSecret -}}
{{- $_ := set $server "reload_token_file" (printf "%s/reload/token" $secrets) -}}
{{- end -}}
{{- if $server -}}
{{- $_ := set $config "server" $server -}}
{{- end -}}
{{- if and $v.database.asFile $v.database.existingSecret -}}
{{- $_ := set $config "database" (merge (dict "url_file" (printf "%s/database/url" $secrets)) (default dict $config.database)) -}}
{{- end -}}
{{- if $config.auth -}}
{{- $jwt := deepCopy (default dict $config.auth.jwt) -}}
{{- if $v.jwt.secret.existingSecret -}}
{{- $_ := set $jwt "secret_file" (printf "%s/jwt-secret/secret" $secrets) -}}
{{- end -}}
{{- if or $v.jwt.publicKey.existingSecret $v.jwt.publicKey.existingConfigMap -}}
{{- $_ := set $jwt "public_key_file" (printf "%s/jwt-public-key/public.pem" $secrets) -}}
{{- end -}}
{{- $_ := set $config.auth "jwt" $jwt -}}
{{- end -}}
{{- if $v.upstream.existingSecret -}}
{{- $_ := set $config "upstream" (merge (dict "secret_file" (printf "%s/upstream/secret" $secrets)) (default dict $config.upstream)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Where it listens. In the environment, which beats the file, because the image has addresses there that are open to everybody. */}}
{{- define "rulegate.listenEnv" -}}
{{- $v := .Values -}}
{{- $host := ternary $v.listenAddress "127.0.0.1" (eq (include "rulegate.exposed" .) "true") -}}
- {name: RULEGATE_LISTEN, value: "{{ $host }}:{{ $v.ports.api }}"}
- {name: RULEGATE_ADMIN_LISTEN, value: "{{ $v.listenAddress }}:{{ $v.ports.admin }}"}
{{- end -}}

{{/* Of the settings, those that only a start reads: when they change the Pods are exchanged; all else is read again where it is. */}}
{{- define "rulegate.restart" -}}
{{- $config := include "rulegate.settings" . | fromYaml -}}
{{- $limits := default dict $config.limits -}}
{{- $start := pick $limits "body_bytes" "header_bytes" "url_bytes" "request_timeout_ms" "concurrent_requests" "concurrent_exports" "requests_per_second" -}}
{{- dict "database" $config.database "server" (omit (default dict $config.server) "public_url") "upstream" $config.upstream "tracing" $config.tracing "limits" $start | toJson | sha256sum -}}
{{- end -}}

{{/* Seconds that a stop may take: `drain_ms`, `request_timeout_ms`, 5 s, and 2 s for what is cut. */}}
{{- define "rulegate.drain" -}}
{{- $config := include "rulegate.settings" . | fromYaml -}}
{{- $limits := default dict $config.limits -}}
{{- $server := default dict $config.server -}}
{{- $timeout := add (int (default 0 $server.drain_ms)) (int (default 30000 $limits.request_timeout_ms)) -}}
{{- add (div (add $timeout 999) 1000) 7 -}}
{{- end -}}

{{/* Seconds of the preStop sleep: the kubelet sleeps, since the image has nothing that could. */}}
{{- define "rulegate.sleep" -}}
{{- ternary (int .Values.shutdown.preStopSeconds) 0 (and (eq .Values.mode "gateway") (eq (include "rulegate.sleepless" .) "")) -}}
{{- end -}}

{{/* Whether a gateway's kubelet cannot sleep, so that Rulegate serves on by itself (`server.drain_ms`). */}}
{{- define "rulegate.sleepless" -}}
{{- $able := semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version -}}
{{- if and (eq .Values.mode "gateway") (gt (int .Values.shutdown.preStopSeconds) 0) (not $able) }}true{{ end -}}
{{- end -}}

{{- define "rulegate.grace" -}}
{{- $computed := add (include "rulegate.sleep" .) (include "rulegate.drain" .) .Values.shutdown.marginSeconds -}}
{{- with .Values.shutdown.terminationGracePeriodSeconds -}}
{{- if lt (int64 .) $computed -}}
{{- fail (printf "shutdown.terminationGracePeriodSeconds: %d is shorter than a stop may take (%d); lower config.limits.request_timeout_ms or config.server.drain_ms, or leave it out" (int .) $computed) -}}
{{- end -}}
{{- end -}}
{{- default $computed .Values.shutdown.terminationGracePeriodSeconds -}}
{{- end -}}

{{/* The ports of a URL, which may name several hosts, parted by spaces; where it says none, that of its scheme. */}}
{{- define "rulegate.ports" -}}
{{- $own := get (dict "http" "80" "https" "443" "mysql" "3306" "mariadb" "3306") (regexFind "^[a-z]+" (lower .)) | default "5432" -}}
{{- $hosts := regexReplaceAll "^[^:]*://|[/?#].*$" . "" | splitList "@" | last -}}
{{- range splitList "," $hosts -}}
{{- regexFind ":[0-9]+$" . | trimPrefix ":" | default $own }} {{ end -}}
{{- end -}}

{{/* Connections that each process has at most for what it serves. */}}
{{- define "rulegate.poolMax" -}}
{{- $database := default dict .Values.config.database -}}
{{- int (default 16 (default dict $database.pool).max) -}}
{{- end -}}

{{/* How many Pods of the gateway there are at most, with those that come before others go. */}}
{{- define "rulegate.podsMax" -}}
{{- $pods := ternary .Values.autoscaling.maxReplicas .Values.replicaCount .Values.autoscaling.enabled | int -}}
{{- $rolling := default dict .Values.strategy.rollingUpdate -}}
{{- $surge := toString (ternary (ternary $rolling.maxSurge "25%" (hasKey $rolling "maxSurge")) 0 (ne .Values.strategy.type "Recreate")) -}}
{{- if hasSuffix "%" $surge -}}
{{- $surge = div (add (mul $pods (trimSuffix "%" $surge | int)) 99) 100 -}}
{{- end -}}
{{- add $pods $surge -}}
{{- end -}}
