// What a sender is told: the environment of Claude Code and of any OpenTelemetry SDK.

export const otlpHeaders = (token: string): string => `OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer ${token}"`;

export function claudeCode(protocol: 'http/protobuf' | 'grpc', endpoint: string, token = ''): string {
  return [
    'export CLAUDE_CODE_ENABLE_TELEMETRY=1',
    'export OTEL_METRICS_EXPORTER=otlp',
    'export OTEL_LOGS_EXPORTER=otlp',
    'export OTEL_TRACES_EXPORTER=otlp',
    'export CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1',
    `export OTEL_EXPORTER_OTLP_PROTOCOL=${protocol}`,
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
    ...(token ? [`export ${otlpHeaders(token)}`] : []),
  ].join('\n');
}

export function anySdk(endpoint: string, token = ''): string {
  return [
    'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}`,
    ...(token ? [`export ${otlpHeaders(token)}`] : []),
    'export OTEL_SERVICE_NAME=my-service',
  ].join('\n');
}

export const webhook = (): string => 'activitylog webhook add --kind github --name my-repository';
