// The shapes of the public API that the portal reads. Zero and empty columns are left out of an item, hence the optionals.

export interface Me {
  tenant: string;
  user: { id: string; email: string; name: string; role: string };
  permissions: string[];
  /** Null: all of the tenant. */
  projects: string[] | null;
  via: 'anonymous' | 'session' | 'token' | 'proxy';
  version: string;
  endpoints: { otlp_grpc: string; otlp_http: string; http: string };
}

export interface EventItem {
  id: string;
  /** RFC 3339, UTC, microseconds. */
  timestamp: string;
  event_class: string;
  event_type: string;
  source?: string;
  kind?: string;
  received_at?: string;
  outcome?: string;
  severity?: string;
  message?: string;
  service?: string;
  project?: string;
  user_id?: string;
  user_email?: string;
  session_id?: string;
  trace_id?: string;
  model?: string;
  tool_name?: string;
  duration_ns?: number;
  input_tokens?: number;
  output_tokens?: number;
  cache_read_tokens?: number;
  cache_creation_tokens?: number;
  /** Exact decimal as text: never goes through a float. */
  cost_usd?: string;
  [column: string]: unknown;
}

export interface EventDetail extends EventItem {
  attributes?: Record<string, string>;
  resource?: Record<string, string>;
}

export interface EventPage {
  items: EventItem[];
  next_before_cursor: string | null;
  newest_cursor: string | null;
}

export interface Points {
  from: string;
  to: string;
  total: number;
  returned: number;
  columns: {
    id: string[];
    /** Unix milliseconds, fractions allowed. */
    ts: number[];
    class: string[];
    event_type: string[];
    outcome: string[];
    source: string[];
    message: string[];
  };
}

export interface Timeline {
  bucket_seconds: number;
  from: string;
  to: string;
  buckets: { ts: string; key: string; count: number; errors: number }[];
}

/** application/problem+json */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  [extension: string]: unknown;
}
