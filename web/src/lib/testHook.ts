// A test hook, not an API: a canvas has no elements to click, so tests ask here where a dot is.
import type { Chart } from './chart/chart';

declare global {
  interface Window {
    __feed?: {
      /** The centre of an event's dot in CSS pixels of the viewport; null while it is not drawn. */
      positionOf(id: string): { x: number; y: number } | null;
    };
  }
}

export function installTestHook(root: HTMLElement, chart: Chart): void {
  window.__feed = {
    positionOf(id) {
      const place = chart.positionOf(id);
      const rect = root.getBoundingClientRect();
      return place && { x: rect.left + place.x, y: rect.top + place.y };
    },
  };
}
