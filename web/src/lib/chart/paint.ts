// Draws one frame of the chart into uPlot's canvas, in device pixels: histogram, lanes, dots. Knows nothing of the store.
import { barTotals, type Bars } from '../model/bars';
import { CLASSES } from '../model/classes';
import type { Dots } from '../model/dots';
import type { Span } from '../model/range';
import type { DotLayer } from './layer';
import type { Layout } from './layout';
import type { Palette } from './palette';

export interface Scene {
  dots: Dots;
  bars: Bars;
  hidden: boolean[];
  span: Span;
  live: boolean;
  layout: Layout;
  palette: Palette;
  layer: DotLayer;
  ratio: number;
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  context.save();
  paintLanes(context, scene);
  clipToBox(context, scene);
  paintBars(context, scene);
  scene.layer.draw(context, { ...scene, colours: scene.palette.classes });
  context.restore();
  paintMax(context, scene);
}

function clipToBox(context: CanvasRenderingContext2D, { layout: { box }, ratio }: Scene): void {
  context.beginPath();
  // A dot at NOW is half over the edge; it is drawn whole.
  context.rect(box.left * ratio, box.top * ratio, (box.width + 8) * ratio, box.height * ratio);
  context.clip();
}

function paintLanes(context: CanvasRenderingContext2D, { layout, palette, ratio, live }: Scene): void {
  const { box } = layout;
  const right = (box.left + box.width) * ratio;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.font = `${12 * ratio}px ${FONT}`;
  context.lineWidth = 1;
  for (const lane of layout.lanes) {
    const middle = (lane.top + lane.height / 2) * ratio;
    context.fillStyle = palette.classes[lane.index]!;
    context.fillRect(0, Math.round((lane.top + lane.height * 0.14) * ratio), 3 * ratio, Math.round(lane.height * 0.72 * ratio));
    context.fillStyle = palette.text;
    context.fillText(CLASSES[lane.index]!, 10 * ratio, middle);
    context.strokeStyle = palette.grid;
    const y = Math.round((lane.top + lane.height) * ratio) + 0.5;
    line(context, 0, y, right, y);
  }
  if (!live) return;
  context.strokeStyle = palette.accent;
  const x = Math.round(right) + 0.5;
  line(context, x, box.top * ratio, x, (box.top + box.height) * ratio);
  context.fillStyle = palette.accent;
  context.textAlign = 'center';
  context.fillText('now', x, (box.top - 9) * ratio);
}

function line(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/** The tallest bar's count: the strip's scale. */
export function maxBar({ bars, span, hidden }: Pick<Scene, 'bars' | 'span' | 'hidden'>): number {
  return bars.within(span.from, span.to).reduce((max, bar) => Math.max(max, barTotals(bar, hidden).count), 0);
}

function paintBars(context: CanvasRenderingContext2D, scene: Scene): void {
  const { bars, span, hidden, layout, palette, ratio } = scene;
  const max = maxBar(scene);
  if (max === 0) return;
  const { box, strip } = layout;
  const pixelsPerMs = (box.width * ratio) / (span.to - span.from);
  const bottom = (strip.top + strip.height) * ratio;
  const gap = Math.max(1, ratio);
  const errorColour = palette.classes[0]!;
  for (const bar of bars.within(span.from, span.to)) {
    const { count, errors } = barTotals(bar, hidden);
    if (count === 0) continue;
    const x = Math.round(box.left * ratio + (bar.ts - span.from) * pixelsPerMs);
    const next = Math.round(box.left * ratio + (Math.min(bar.ts + bars.bucketMs, span.to) - span.from) * pixelsPerMs);
    const width = Math.max(1, next - x - gap);
    const height = Math.max(1, (count / max) * strip.height * ratio);
    context.fillStyle = palette.bar;
    context.fillRect(x, bottom - height, width, height);
    if (errors === 0) continue;
    // At least two pixels: one error among a thousand events must not vanish in rounding.
    const errorHeight = Math.max(2 * ratio, (errors / max) * strip.height * ratio);
    context.fillStyle = errorColour;
    context.fillRect(x, bottom - errorHeight, width, errorHeight);
  }
}

function paintMax(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, palette, ratio, bars } = scene;
  const max = maxBar(scene);
  if (max === 0) return;
  context.save();
  context.fillStyle = palette.muted;
  context.font = `${12 * ratio}px ${FONT}`;
  context.textBaseline = 'top';
  context.textAlign = 'left';
  const unit = BUCKET_UNITS[bars.bucketMs] ?? '';
  context.fillText(`max ${max.toLocaleString('en-US')}`, 0, (layout.strip.top + 4) * ratio);
  context.fillText(`per ${unit}`, 0, (layout.strip.top + 20) * ratio);
  context.restore();
}

export const BUCKET_UNITS: Record<number, string> = {
  1000: '1 s',
  10_000: '10 s',
  60_000: '1 min',
  300_000: '5 min',
  900_000: '15 min',
  3_600_000: '1 h',
  86_400_000: '1 d',
};
