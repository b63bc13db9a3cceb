// The chart as one object: owns the plot, the overlay and the frame loop. The component feeds it scenes and asks it for hits.
import uPlot from 'uplot';
import type { Bar, Bars } from '../model/bars';
import type { Dots } from '../model/dots';
import type { Span } from '../model/range';
import { dotAt, positionOf } from './hit';
import { DotLayer } from './layer';
import { layOut, type Layout } from './layout';
import { paintOverlay, type Mark } from './overlay';
import { paint } from './paint';
import { readPalette, type Palette } from './palette';
import { createPlot, type Plot } from './plot';

export interface ChartInput {
  dots: Dots;
  bars: Bars;
  counts: number[];
  hidden: boolean[];
  live: boolean;
  selected: string | null;
  /** Asked for at every frame: in live mode the window moves with the clock. */
  span(): Span;
}

const PULSE_MS = 900;
/** A burst is visible as a burst; greeting each of a thousand dots would only cost frames. */
const MAX_PULSES = 60;
const NARROW = 600;

export class Chart {
  readonly #plot: Plot;
  readonly #overlay: HTMLCanvasElement;
  readonly #host: HTMLElement;
  #input: ChartInput;
  #palette: Palette;
  readonly #layer = new DotLayer();
  #layout!: Layout;
  #span: Span;
  #hover = -1;
  #pulses: { id: string; start: number }[] = [];
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dirty = true;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  /** Called after each full frame, so that what hangs on the chart (tooltip) can follow. */
  onframe: () => void = () => {};

  constructor(host: HTMLElement, overlay: HTMLCanvasElement, input: ChartInput, zoom: (from: number, to: number) => void) {
    this.#host = host;
    this.#overlay = overlay;
    this.#input = input;
    this.#span = input.span();
    this.#palette = readPalette(host);
    this.#plot = createPlot(host, () => this.#gutter, () => this.#palette, { draw: (context) => this.#draw(context), zoom });
    this.#sizeOverlay();
    this.invalidate();
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#plot.destroy();
  }

  update(input: ChartInput): void {
    this.#input = input;
    this.invalidate();
  }

  restyle(): void {
    this.#palette = readPalette(this.#host);
    this.invalidate();
  }

  resize(): void {
    if (this.#host.clientWidth === 0) return;
    this.#plot.resize(this.#host.clientWidth, this.#host.clientHeight);
    this.#sizeOverlay();
    this.invalidate();
  }

  greet(ids: string[]): void {
    if (this.#calm.matches || ids.length === 0) return;
    const start = performance.now();
    this.#pulses.push(...ids.slice(-MAX_PULSES).map((id) => ({ id, start })));
    this.#pulses.splice(0, this.#pulses.length - MAX_PULSES);
    this.#schedule();
  }

  /** Sets the hovered dot by a position in the chart; returns its index or -1. */
  hoverAt(x: number, y: number): number {
    const index = this.hitDot(x, y);
    this.#setHover(index);
    return index;
  }

  unhover(): void {
    this.#setHover(-1);
  }

  hitDot(x: number, y: number): number {
    return this.#layout ? dotAt(this.#input.dots, this.#layout, this.#span, x, y) : -1;
  }

  /** The histogram bar under a position. */
  hitBar(x: number, y: number): Bar | null {
    const { box, strip } = this.#layout;
    if (y < strip.top || y > strip.top + strip.height || x < box.left || x > box.left + box.width) return null;
    const ts = this.#span.from + ((x - box.left) / box.width) * (this.#span.to - this.#span.from);
    return this.#input.bars.at(ts) ?? null;
  }

  positionOf(id: string): { x: number; y: number } | null {
    const index = this.#input.dots.indexOf(id);
    return index < 0 || !this.#layout ? null : positionOf(this.#input.dots, this.#layout, this.#span, index);
  }

  /** The nearest visible dot before (-1) or after (1) the given one in time. */
  neighbour(id: string, direction: 1 | -1): string | null {
    const { dots, hidden } = this.#input;
    for (let i = dots.indexOf(id) + direction; i >= 0 && i < dots.size; i += direction) {
      if (dots.ts[i]! < this.#span.from || dots.ts[i]! > this.#span.to) return null;
      if (!hidden[dots.class[i]!]) return dots.id[i]!;
    }
    return null;
  }

  invalidate(): void {
    this.#dirty = true;
    this.#schedule();
  }

  get #gutter(): number {
    return this.#host.clientWidth < NARROW ? 64 : 88;
  }

  #schedule(): void {
    if (this.#frame) return;
    clearTimeout(this.#timer);
    this.#frame = requestAnimationFrame(() => this.#tick());
  }

  #tick(): void {
    this.#frame = 0;
    const span = this.#input.span();
    const msPerPixel = (span.to - span.from) / Math.max(1, this.#overlay.width);
    const moved = Math.abs(span.to - this.#span.to) >= msPerPixel || span.from - this.#span.from !== span.to - this.#span.to;
    if (this.#dirty || moved) {
      this.#dirty = false;
      this.#span = span;
      // uPlot redraws in a microtask and calls #draw from there.
      this.#plot.setSpan(span);
    } else {
      this.#drawOverlay();
    }
    if (this.#pulses.length) this.#schedule();
    // Nothing to do until time has moved by a pixel: at one hour that is every two seconds, not sixty times a second.
    else if (this.#input.live) this.#timer = setTimeout(() => this.#schedule(), Math.min(1000, Math.max(16, msPerPixel)));
  }

  #draw(context: CanvasRenderingContext2D): void {
    const { dots, bars, counts, hidden, live } = this.#input;
    const ratio = uPlot.pxRatio;
    this.#layout = layOut(this.#plot.box(), counts, hidden);
    paint(context, {
      dots, bars, hidden, live, ratio,
      span: this.#span,
      layout: this.#layout,
      palette: this.#palette,
      layer: this.#layer,
    });
    this.#drawOverlay();
    this.onframe();
  }

  #drawOverlay(): void {
    if (!this.#layout) return;
    const now = performance.now();
    this.#pulses = this.#pulses.filter((pulse) => now - pulse.start < PULSE_MS);
    const pulses = this.#pulses.flatMap((pulse) => {
      const mark = this.#markOf(pulse.id);
      return mark ? [{ ...mark, age: (now - pulse.start) / PULSE_MS }] : [];
    });
    const { dots, selected } = this.#input;
    const hover = this.#hover >= 0 ? this.#markOf(dots.id[this.#hover] ?? '') : null;
    paintOverlay(this.#overlay, { hover, pulses, selected: selected ? this.#markOf(selected) : null }, this.#palette, uPlot.pxRatio);
  }

  #markOf(id: string): Mark | null {
    const index = this.#input.dots.indexOf(id);
    const place = index < 0 || !this.#layout ? null : positionOf(this.#input.dots, this.#layout, this.#span, index);
    return place && { ...place, class: this.#input.dots.class[index]! };
  }

  #setHover(index: number): void {
    if (index === this.#hover) return;
    this.#hover = index;
    this.#schedule();
  }

  #sizeOverlay(): void {
    this.#overlay.width = Math.round(this.#host.clientWidth * uPlot.pxRatio);
    this.#overlay.height = Math.round(this.#host.clientHeight * uPlot.pxRatio);
  }
}
