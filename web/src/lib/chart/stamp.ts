// Dots as coverage masks that are blended into raw pixels. Half a million byte operations for 20,000 dots take a few
// milliseconds on any machine; the same through canvas calls took ten times as long without a GPU (measured).
import { CLASSES, ERROR_INDEX } from '../model/classes';

export interface Mask {
  /** Side of the square in pixels, odd: the dot's centre is the middle pixel. */
  side: number;
  /** Opacity per pixel, 0..255. */
  alpha: Uint8Array;
}

export interface DotStyle {
  radius: number;
  alpha: number;
}

/** One mask per class: circles, and for errors a larger, solid diamond, so that colour is not the only signal. */
export function makeMasks({ radius, alpha }: DotStyle, ratio: number): Mask[] {
  const circle = mask(radius * ratio, alpha, Math.hypot);
  const diamond = mask(radius * 1.6 * ratio, 1, (dx, dy) => Math.abs(dx) + Math.abs(dy));
  return CLASSES.map((_, index) => (index === ERROR_INDEX ? diamond : circle));
}

function mask(reach: number, opacity: number, distance: (dx: number, dy: number) => number): Mask {
  const half = Math.ceil(reach);
  const side = half * 2 + 1;
  const alpha = new Uint8Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      // Half a pixel of soft edge on either side is the antialiasing.
      const coverage = Math.min(1, Math.max(0, reach + 0.5 - distance(x - half, y - half)));
      alpha[y * side + x] = Math.round(coverage * opacity * 255);
    }
  }
  return { side, alpha };
}

export type Rgb = [number, number, number];

/** Class tokens are #rrggbb. */
export function parseHex(colour: string): Rgb {
  const value = parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** Blends one dot over what is there. A lane has one colour, so overlapping only has to deepen the opacity. */
export function stamp(image: ImageData, { side, alpha }: Mask, [r, g, b]: Rgb, centreX: number, centreY: number): void {
  const { width, height, data } = image;
  const left = centreX - (side >> 1);
  const top = centreY - (side >> 1);
  for (let y = 0; y < side; y++) {
    const row = top + y;
    if (row < 0 || row >= height) continue;
    for (let x = 0; x < side; x++) {
      const opacity = alpha[y * side + x]!;
      const column = left + x;
      if (opacity === 0 || column < 0 || column >= width) continue;
      const at = (row * width + column) * 4;
      data[at] = r;
      data[at + 1] = g;
      data[at + 2] = b;
      data[at + 3] = data[at + 3]! + (opacity * (255 - data[at + 3]!)) / 255;
    }
  }
}
