// New events as they are acknowledged, over SSE, handed on in batches.
import { query, type Params } from './client';
import type { EventItem } from './types';

/** Long enough to turn a burst into one redraw, far too short to be seen. */
const BATCH_MS = 50;

export type StreamState = 'connecting' | 'open' | 'down';

export interface StreamHandlers {
  events(items: EventItem[]): void;
  state(state: StreamState): void;
  /** Events came faster than they could be passed on; the window should be read again. */
  skipped(): void;
}

/** Returns the function that closes the stream. */
export function openStream(filters: Params, handlers: StreamHandlers): () => void {
  let source: EventSource;
  let batch: EventItem[] = [];
  let flushTimer: ReturnType<typeof setTimeout> | undefined;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let retryMs = 1000;

  const flush = () => {
    flushTimer = undefined;
    const items = batch;
    batch = [];
    handlers.events(items);
  };

  const connect = () => {
    handlers.state('connecting');
    source = new EventSource('/api/v1/messages/stream' + query(filters));
    source.onopen = () => {
      retryMs = 1000;
      handlers.state('open');
    };
    source.onmessage = (event: MessageEvent<string>) => {
      batch.push(JSON.parse(event.data) as EventItem);
      flushTimer ??= setTimeout(flush, BATCH_MS);
    };
    source.addEventListener('skipped', () => handlers.skipped());
    source.onerror = () => {
      handlers.state('down');
      // A dropped connection is resumed by the browser with Last-Event-ID; after a refusal (any status but 200) it gives up.
      if (source.readyState !== EventSource.CLOSED) return;
      retryTimer = setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, 30_000);
    };
  };

  connect();
  return () => {
    source.close();
    clearTimeout(flushTimer);
    clearTimeout(retryTimer);
  };
}
