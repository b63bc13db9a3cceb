// The tokens of app.css as the canvas needs them, and the look of a series: a hue and a texture, so that colour is never the only signal.
import { MOST_SERIES } from './series';

export interface Theme {
  series: string[];
  text: string;
  muted: string;
  grid: string;
  border: string;
  surface: string;
  sunken: string;
  accent: string;
  ok: string;
  warn: string;
  bad: string;
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const HUES = 6;
/** Of lines: the counterpart of the textures. */
export const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3]];

export function readTheme(element: Element): Theme {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  const hues = Array.from({ length: HUES }, (_, index) => token(`--series-${index + 1}`));
  return {
    series: hues,
    text: token('--text'),
    muted: token('--text-muted'),
    grid: token('--grid'),
    border: token('--border'),
    surface: token('--surface'),
    sunken: token('--sunken'),
    accent: token('--accent'),
    ok: token('--ok'),
    warn: token('--warn'),
    bad: token('--bad'),
  };
}

/** Neighbours differ in both; twelve combinations. The last place is the rest's, in grey. */
export const hueOf = (place: number): number => (place === MOST_SERIES - 1 ? -1 : place % HUES);
export const textureOf = (place: number): number => (place === MOST_SERIES - 1 ? 0 : place < HUES ? [0, 1, 0, 2, 0, 3][place]! : [2, 0, 3, 0, 1][place - HUES]!);
export const colourOf = (theme: Theme, place: number): string => theme.series[hueOf(place)] ?? theme.muted;

const SIDE = 6;
/** A fill for a series: its colour, with a lighter texture over it. */
export function fillOf(context: CanvasRenderingContext2D, theme: Theme, place: number, ratio: number): string | CanvasPattern {
  const colour = colourOf(theme, place);
  const texture = textureOf(place);
  if (texture === 0) return colour;
  const tile = document.createElement('canvas');
  tile.width = tile.height = SIDE * ratio;
  const paint = tile.getContext('2d')!;
  paint.scale(ratio, ratio);
  paint.fillStyle = colour;
  paint.fillRect(0, 0, SIDE, SIDE);
  paint.globalAlpha = 0.5;
  paint.strokeStyle = paint.fillStyle = theme.surface;
  paint.lineWidth = 1.2;
  drawTexture(paint, texture);
  const pattern = context.createPattern(tile, 'repeat');
  // Patterns are laid in device pixels, whatever the context's scale.
  pattern?.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern ?? colour;
}

function drawTexture(paint: CanvasRenderingContext2D, texture: number): void {
  if (texture === 3) {
    paint.beginPath();
    paint.arc(SIDE / 2, SIDE / 2, 1.2, 0, Math.PI * 2);
    return paint.fill();
  }
  paint.beginPath();
  if (texture === 1) for (const at of [-SIDE, 0, SIDE]) paint.moveTo(at, SIDE), paint.lineTo(at + SIDE, 0);
  else paint.moveTo(0, SIDE / 2), paint.lineTo(SIDE, SIDE / 2);
  paint.stroke();
}
