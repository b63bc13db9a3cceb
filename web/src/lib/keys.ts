// The page's keyboard: `/` search, Space pause, arrows between dots, Esc closes. The table handles its own arrows.
import { feed } from './feed.svelte';

export const SEARCH_ID = 'search';

/** Set by the chart: the neighbour of a dot in time among those shown. */
export const dotOrder: { neighbour: (id: string, direction: 1 | -1) => string | null } = { neighbour: () => null };

export function onShortcut(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  if (event.key === 'Escape' && feed.view.selected && target.id !== SEARCH_ID) {
    event.preventDefault();
    feed.select(null);
    return;
  }
  if (isTyping(target)) return;
  if (event.key === '/') {
    event.preventDefault();
    document.getElementById(SEARCH_ID)?.focus();
  } else if (event.key === ' ' && target.closest('button, a, summary, [role="tab"]') === null) {
    event.preventDefault();
    togglePause();
  } else if ((event.key === 'ArrowLeft' || event.key === 'ArrowRight') && target.closest('[role="tablist"]') === null) {
    if (move(event.key === 'ArrowLeft' ? -1 : 1)) event.preventDefault();
  }
}

export function togglePause(): void {
  if (feed.live) feed.pause();
  else feed.resume();
}

/** To the previous or next dot of the open event; does nothing while no event is open. */
export function move(direction: 1 | -1): boolean {
  const { selected } = feed.view;
  if (!selected) return false;
  const next = dotOrder.neighbour(selected, direction);
  if (next) feed.select(next);
  return next !== null;
}

function isTyping(target: HTMLElement): boolean {
  return target.closest('input, textarea, select, [contenteditable]') !== null;
}
