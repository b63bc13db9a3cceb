// Which page is shown: the path and the query of the address bar, as state. Links are ordinary links; a click on one of ours changes
// the page without loading it anew.

/** What the server answers itself. */
const OF_THE_SERVER = /^\/(api|assets|webhooks|clickhouse|healthz|readyz|metrics)(\/|$)/;

class Router {
  path = $state(location.pathname);
  search = $state(location.search);

  readonly params = $derived(new URLSearchParams(this.search));

  constructor() {
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#onClick(event));
  }

  /** Everybody who listens for the browser's back button hears of this as well. */
  go(to: string, { replace = false } = {}): void {
    if (replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate'));
  }

  /** The same page with other parameters; empty ones are left out. */
  setParams(values: Record<string, string | null>, { replace = false } = {}): void {
    const params = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(values)) {
      if (value) params.set(name, value);
      else params.delete(name);
    }
    const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%7C', '|');
    this.go(location.pathname + (text ? `?${text}` : ''), { replace });
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search;
  }

  #onClick(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (OF_THE_SERVER.test(link.pathname) || link.getAttribute('href')!.startsWith('#')) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }
}

export const router = new Router();
