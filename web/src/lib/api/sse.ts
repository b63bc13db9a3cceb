// Server-sent events: by the browser's EventSource, or by fetch where a header must go along (a platform admin in another tenant),
// which EventSource can't.

export interface Listener {
  open(): void;
  message(data: string): void;
  named(event: string): void;
  /** `gaveUp`: nobody tries again unless asked to. */
  down(gaveUp: boolean): void;
}

/** Returns the function that closes it. */
export const openEvents = (url: string, tenant: string, listener: Listener): (() => void) =>
  tenant ? byFetch(url, tenant, listener) : bySource(url, listener);

function bySource(url: string, listener: Listener): () => void {
  const source = new EventSource(url);
  source.onopen = () => listener.open();
  source.onmessage = (event: MessageEvent<string>) => listener.message(event.data);
  source.addEventListener('skipped', () => listener.named('skipped'));
  // A dropped connection is resumed by the browser with Last-Event-ID; after a refusal (any status but 200) it gives up.
  source.onerror = () => listener.down(source.readyState === EventSource.CLOSED);
  return () => source.close();
}

function byFetch(url: string, tenant: string, listener: Listener): () => void {
  const abort = new AbortController();
  const read = async () => {
    const headers = { accept: 'text/event-stream', 'x-activitylog-tenant': tenant };
    const response = await fetch(url, { headers, signal: abort.signal });
    if (!response.ok || !response.body) return;
    listener.open();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const blocks = (rest + part.value).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) hear(block, listener);
    }
  };
  // The end of the answer is as good as a broken line: whoever listens opens it again, and reads what it missed.
  const over = () => !abort.signal.aborted && listener.down(true);
  read().then(over, over);
  return () => abort.abort();
}

function hear(block: string, listener: Listener): void {
  const values = (name: string) => block.split('\n').flatMap((line) => (line.startsWith(`${name}:`) ? [line.slice(name.length + 1).trimStart()] : []));
  const [event] = values('event');
  const data = values('data');
  if (event && event !== 'message') listener.named(event);
  else if (data.length) listener.message(data.join('\n'));
}
