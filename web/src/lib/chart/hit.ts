// From a pixel to what lies there, and back.
import type { Dots } from '../model/dots';
import type { Span } from '../model/range';
import { dotY, type Layout } from './layout';

/** Generous: a finger or a hurried mouse need not hit a 6-pixel dot exactly. */
const REACH = 10;

/** The index of the nearest visible dot, or -1. The time order narrows the search to a few pixels' worth of dots. */
export function dotAt(dots: Dots, layout: Layout, span: Span, x: number, y: number): number {
  const msPerPixel = (span.to - span.from) / layout.box.width;
  const ts = span.from + (x - layout.box.left) * msPerPixel;
  const last = Math.min(ts + REACH * msPerPixel, span.to);
  let best = -1;
  let bestDistance = REACH * REACH;
  for (let i = dots.firstAtOrAfter(Math.max(ts - REACH * msPerPixel, span.from)); i < dots.size && dots.ts[i]! <= last; i++) {
    const lane = layout.laneOf[dots.class[i]!];
    if (!lane) continue;
    const dx = (dots.ts[i]! - ts) / msPerPixel;
    const dy = dotY(lane, dots.jitter[i]!) - y;
    const distance = dx * dx + dy * dy;
    // Of two dots on the same spot the later one is on top, and is meant.
    if (distance <= bestDistance) {
      best = i;
      bestDistance = distance;
    }
  }
  return best;
}

/** The centre of a dot in CSS pixels of the chart, or null if it is out of the window or has no lane. */
export function positionOf(dots: Dots, layout: Layout, span: Span, index: number): { x: number; y: number } | null {
  const ts = dots.ts[index];
  if (ts === undefined || ts < span.from || ts > span.to) return null;
  const lane = layout.laneOf[dots.class[index]!];
  if (!lane) return null;
  const x = layout.box.left + ((ts - span.from) / (span.to - span.from)) * layout.box.width;
  return { x, y: dotY(lane, dots.jitter[index]!) };
}
