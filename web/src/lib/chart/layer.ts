// All dots in one bitmap that is wider than the window. As time passes it is only shifted, and a new event stamps one dot;
// it is built anew when the scale, the lanes or the colours change, or when the window has slid over its edge.
import type { Dots } from '../model/dots';
import type { Span } from '../model/range';
import { dotY, type Layout } from './layout';
import { makeMasks, parseHex, stamp, type Mask, type Rgb } from './stamp';

/** Room to the right of NOW, in device pixels, that the window can slide into before the next rebuild. */
const AHEAD = 256;
/** Dots reach over their centre: without a margin those at the edges would be cut. */
const MARGIN = 8;

export interface LayerInput {
  dots: Dots;
  span: Span;
  layout: Layout;
  colours: string[];
  ratio: number;
}

export class DotLayer {
  readonly #canvas = document.createElement('canvas');
  readonly #context = this.#canvas.getContext('2d')!;
  #image = new ImageData(1, 1);
  #masks: Mask[] = [];
  #rgb: Rgb[] = [];
  #dots: Dots | null = null;
  #key = '';
  /** The time at the bitmap's left edge, margin aside. */
  #origin = 0;
  #pixelsPerMs = 0;

  draw(target: CanvasRenderingContext2D, input: LayerInput): void {
    const { span, layout, ratio } = input;
    const { box } = layout;
    const pixelsPerMs = (box.width * ratio) / (span.to - span.from);
    const shift = Math.round((span.from - this.#origin) * pixelsPerMs);
    const key = keyOf(input);
    // A sliding window's length wavers in its last bits; a scale is the same unless it would show.
    const sameScale = Math.abs(pixelsPerMs / this.#pixelsPerMs - 1) < 1e-9;
    if (input.dots !== this.#dots || key !== this.#key || !sameScale || shift < 0 || shift > AHEAD) {
      this.#key = key;
      this.#build(input, pixelsPerMs);
      this.draw(target, input);
      return;
    }
    this.#addFresh(input);
    const width = Math.ceil(box.width * ratio) + 2 * MARGIN;
    const left = Math.round(box.left * ratio) - MARGIN;
    target.drawImage(this.#canvas, shift, 0, width, this.#canvas.height, left, Math.round(box.top * ratio), width, this.#canvas.height);
  }

  #build({ dots, span, layout, colours, ratio }: LayerInput, pixelsPerMs: number): void {
    this.#dots = dots;
    this.#origin = span.from;
    this.#pixelsPerMs = pixelsPerMs;
    this.#masks = makeMasks(layout.dot, ratio);
    this.#rgb = colours.map(parseHex);
    const width = Math.ceil(layout.box.width * ratio) + 2 * MARGIN + AHEAD;
    const height = Math.max(1, Math.ceil(layout.box.height * ratio));
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#image = new ImageData(width, height);
    dots.takeFresh();
    const end = span.to + AHEAD / pixelsPerMs;
    for (let i = dots.firstAtOrAfter(span.from - MARGIN / pixelsPerMs); i < dots.size && dots.ts[i]! <= end; i++) {
      this.#stamp(layout, ratio, dots.ts[i]!, dots.class[i]!, dots.jitter[i]!);
    }
    this.#context.putImageData(this.#image, 0, 0);
  }

  #addFresh({ dots, layout, ratio }: LayerInput): void {
    let left = Infinity;
    let right = -Infinity;
    for (const dot of dots.takeFresh()) {
      const x = this.#stamp(layout, ratio, dot.ts, dot.class, dot.jitter);
      left = Math.min(left, x - 2 * MARGIN);
      right = Math.max(right, x + 2 * MARGIN);
    }
    // Arrivals are neighbours in time, so one copy of a narrow stripe is the rule.
    if (right > left) this.#context.putImageData(this.#image, 0, 0, left, 0, right - left, this.#image.height);
  }

  #stamp(layout: Layout, ratio: number, ts: number, classIndex: number, jitter: number): number {
    const x = Math.round((ts - this.#origin) * this.#pixelsPerMs) + MARGIN;
    const lane = layout.laneOf[classIndex];
    const y = lane ? Math.round((dotY(lane, jitter) - layout.box.top) * ratio) : 0;
    if (lane) stamp(this.#image, this.#masks[classIndex]!, this.#rgb[classIndex]!, x, y);
    return x;
  }
}

/** Everything but time that decides where and how dots are drawn. */
function keyOf({ layout, colours, ratio }: LayerInput): string {
  const { box, lanes, dot } = layout;
  const places = lanes.map((lane) => `${lane.index}:${lane.top}:${lane.height}`);
  return [box.left, box.top, box.width, box.height, ratio, dot.radius, colours.join(), ...places].join('/');
}
