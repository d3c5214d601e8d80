{{/* What does not fit together is refused with a word on what to do. */}}
{{- define "rulegate.refusals" -}}
{{- $v := .Values -}}
{{- $said := list -}}
{{- if not (or $v.database.existingSecret $v.database.sqlite.existingClaim) -}}
{{- $said = append $said "database: name the Secret with the URL (database.existingSecret), or a PersistentVolumeClaim with a SQLite file (database.sqlite.existingClaim)" -}}
{{- end -}}
{{- if and $v.database.existingSecret $v.database.sqlite.existingClaim -}}
{{- $said = append $said "database: existingSecret and sqlite.existingClaim: one of them" -}}
{{- end -}}
{{- if and $v.database.asFile (or $v.database.parameters $v.database.sqlite.existingClaim) -}}
{{- $said = append $said "database.asFile: the file's content is the URL; parameters and sqlite do not go with it" -}}
{{- end -}}
{{- if and $v.database.parameters $v.database.sqlite.existingClaim -}}
{{- $said = append $said "database.parameters: not with SQLite" -}}
{{- end -}}
{{- range $name, $place := dict "database.ca" $v.database.ca "jwt.publicKey" $v.jwt.publicKey -}}
{{- if and $place.existingSecret $place.existingConfigMap -}}
{{- $said = append $said (printf "%s: existingSecret and existingConfigMap: one of them" $name) -}}
{{- end -}}
{{- end -}}
{{- if and $v.model.text $v.model.existingConfigMap -}}
{{- $said = append $said "model: text and existingConfigMap: one of them" -}}
{{- end -}}
{{- if and (include "rulegate.exposed" .) (not $v.config.auth) (not $v.allowOpen) -}}
{{- $said = append $said "config.auth: without it everything is open to whoever reaches the Pods: set it (docs/authentication.md), or say allowOpen: true" -}}
{{- end -}}
{{- if and (not $v.config.auth) (or $v.jwt.secret.existingSecret $v.jwt.publicKey.existingSecret $v.jwt.publicKey.existingConfigMap) -}}
{{- $said = append $said "jwt: keys are there, and config.auth is not: say config.auth.jwt.algorithms" -}}
{{- end -}}
{{- if and (not $v.config.auth) (include "rulegate.hasFiles" $v.access) -}}
{{- $said = append $said "access: there is nobody for whom it could hold without config.auth" -}}
{{- end -}}
{{- if and $v.upstream.existingSecret (not (default dict $v.config.upstream).url) -}}
{{- $said = append $said "upstream.existingSecret: needs config.upstream.url" -}}
{{- end -}}
{{- if and $v.database.sqlite.existingClaim $v.setup.enabled -}}
{{- $said = append $said "setup: not with SQLite, whose volume the Pod has: kubectl exec … -- /rulegate setup" -}}
{{- end -}}
{{- if and $v.database.sqlite.existingClaim (eq $v.mode "gateway") (or $v.autoscaling.enabled (ne (int $v.replicaCount) 1)) -}}
{{- $said = append $said "database.sqlite: one process writes the file: replicaCount: 1, and no autoscaling" -}}
{{- end -}}
{{- if and $v.database.sqlite.existingClaim (eq $v.mode "sidecar") $v.sidecar.app.enabled (gt (int $v.sidecar.app.replicaCount) 1) -}}
{{- $said = append $said "database.sqlite: one process writes the file: sidecar.app.replicaCount: 1" -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- $said = append $said "autoscaling: minReplicas is greater than maxReplicas" -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (not (or $v.autoscaling.targetCPUUtilizationPercentage $v.autoscaling.targetMemoryUtilizationPercentage $v.autoscaling.metrics)) -}}
{{- $said = append $said "autoscaling: needs a metric" -}}
{{- end -}}
{{- if eq (int $v.ports.api) (int $v.ports.admin) -}}
{{- $said = append $said "ports: api and admin are the same" -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.hosts) -}}
{{- $said = append $said "ingress.hosts: name one" -}}
{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}
{{- $said = append $said "httpRoute.parentRefs: name the Gateway" -}}
{{- end -}}
{{- $behind := default "" (default dict $v.config.upstream).url -}}
{{- if and $v.networkPolicy.enabled $behind (not $v.networkPolicy.extraEgress) -}}
{{- $said = append $said (printf "networkPolicy: lets nothing out to config.upstream.url (%s): name it in extraEgress" $behind) -}}
{{- end -}}
{{- if $v.networkPolicy.enabled -}}
{{- range $replica := (default dict $v.config.database).replicas -}}
{{- range $port := include "rulegate.ports" $replica | splitList " " | compact | uniq -}}
{{- if not (has $port (toStrings $v.networkPolicy.databasePorts)) -}}
{{- $said = append $said (printf "networkPolicy.databasePorts: lets nothing out to port %s of config.database.replicas: name it too" $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if eq $v.mode "sidecar" -}}
{{- range tuple "autoscaling" "ingress" "httpRoute" "networkPolicy" "serviceMonitor" -}}
{{- if (index $v .).enabled -}}
{{- $said = append $said (printf "%s: of the gateway alone; in sidecar mode it belongs to the application" .) -}}
{{- end -}}
{{- end -}}
{{- if and $v.sidecar.app.enabled (not $v.sidecar.app.image) -}}
{{- $said = append $said "sidecar.app.image: name the application's image" -}}
{{- end -}}
{{- if and $v.sidecar.app.enabled (has (int $v.sidecar.app.port) (list (int $v.ports.api) (int $v.ports.admin))) -}}
{{- $said = append $said "sidecar.app.port: Rulegate listens there; all containers of a Pod share their ports" -}}
{{- end -}}
{{- else if $v.sidecar.app.enabled -}}
{{- $said = append $said "sidecar.app: say mode: sidecar" -}}
{{- end -}}
{{- if and $v.podMonitor.enabled $v.serviceMonitor.enabled -}}
{{- $said = append $said "podMonitor and serviceMonitor: one of them, else everything is counted twice" -}}
{{- end -}}
{{- with $said -}}
{{- fail (printf "\n\n  %s\n" (join "\n  " .)) -}}
{{- end -}}
{{- end -}}
