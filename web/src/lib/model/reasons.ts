// Why something was turned away, and what the sender does about it.
const WORDS: Record<string, [string, string]> = {
  malformed: ['Not readable', 'The bytes are not what the content type says. Look for a proxy or a script that changes the body.'],
  unsupported_media_type: ['Wrong content type', 'OTLP takes application/x-protobuf or application/json; set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.'],
  unsupported_encoding: ['Unknown compression', 'Send gzip, or nothing: OTEL_EXPORTER_OTLP_COMPRESSION=gzip.'],
  too_large: ['Too large', 'Send smaller batches: OTEL_BLRP_MAX_EXPORT_BATCH_SIZE, OTEL_BSP_MAX_EXPORT_BATCH_SIZE.'],
  too_many_attributes: ['Too many attributes', 'An item may carry only so many attributes; send fewer.'],
  overloaded: ['Overloaded', 'The server or its disk is full for now. Exporters try again by themselves; look at /readyz.'],
  quota_exceeded: ['Over the quota', "More than the tenant may send. An admin sees the limits in the tenant's settings."],
  timeout: ['Too slow', 'The sender did not finish its request in time. Look at the network between.'],
  unauthenticated: ['No valid token', 'Set OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer alg_i_…" with a token from Settings, Tokens.'],
  forbidden: ['Not allowed', 'The token is for something else, or for another project.'],
  misdirected: ['Wrong address', 'HTTP goes to the OTLP/HTTP port, gRPC to the gRPC one; the path is /v1/logs, /v1/traces or /v1/metrics.'],
  wrong_method: ['Wrong method', 'Send it with POST.'],
  internal: ['Our own fault', "The server's log says more."],
};

export const reasonWords = (reason: string): string => WORDS[reason]?.[0] ?? reason;
export const reasonAdvice = (reason: string): string => WORDS[reason]?.[1] ?? '';

const DOORS: Record<string, string> = { grpc: 'OTLP/gRPC', http: 'OTLP/HTTP', webhook: 'Webhook', messages: 'Messages API' };
export const doorWords = (door: string): string => DOORS[door] ?? door;
