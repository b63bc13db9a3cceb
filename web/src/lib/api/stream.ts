// New events as they are acknowledged, over SSE, handed on in batches.
import { query, sending, type Params } from './client';
import { openEvents } from './sse';
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
  let close = () => {};
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
    close = openEvents('/api/v1/messages/stream' + query(filters), sending.tenant, {
      open: () => {
        retryMs = 1000;
        handlers.state('open');
      },
      message: (data) => {
        batch.push(JSON.parse(data) as EventItem);
        flushTimer ??= setTimeout(flush, BATCH_MS);
      },
      named: (name) => name === 'skipped' && handlers.skipped(),
      down: (gaveUp) => {
        handlers.state('down');
        if (!gaveUp) return;
        retryTimer = setTimeout(connect, retryMs);
        retryMs = Math.min(retryMs * 2, 30_000);
      },
    });
  };

  connect();
  return () => {
    close();
    clearTimeout(flushTimer);
    clearTimeout(retryTimer);
  };
}
