// Draws lines, areas and columns over time. In CSS pixels: the caller scales the context. The same for the screen and for PNG files.
import { next } from './slots';
import { formatShort } from './units';
import { timeTicks, valueSteps } from './scale';
import { stack, type Series, type TimeModel } from './series';
import { colourOf, DASHES, fillOf, FONT, textureOf, type Theme } from './theme';

export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  from: number;
  to: number;
  max: number;
}

export interface TimeScene {
  model: TimeModel;
  /** Those that the legend left on. */
  series: Series[];
  kind: 'line' | 'area' | 'columns';
  width: number;
  height: number;
  ratio: number;
  theme: Theme;
  /** Of the pointer or the keyboard; -1: none. */
  slot: number;
  /** No axes: a sketch. */
  bare?: boolean;
}

const AXIS = 24;
const TOP = 8;

export function paintTime(context: CanvasRenderingContext2D, scene: TimeScene): Frame {
  const { series, kind, model } = scene;
  const tops = kind === 'line' ? [] : stack(series, model.slots.length);
  const peak = kind === 'line' ? Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0))) : Math.max(0, ...(tops.at(-1) ?? []));
  const frame = layOut(context, scene, peak);
  context.save();
  context.font = `12px ${FONT}`;
  if (!scene.bare) paintAxes(context, scene, frame, peak);
  context.beginPath();
  context.rect(frame.left, 0, frame.width + 1, frame.top + frame.height + 1);
  context.clip();
  if (scene.slot >= 0) paintCursor(context, scene, frame);
  if (kind === 'columns') paintColumns(context, scene, frame, tops);
  else if (kind === 'area') paintAreas(context, scene, frame, tops);
  else paintLines(context, scene, frame);
  context.restore();
  if (kind === 'line' && !scene.bare) paintNames(context, scene, frame);
  return frame;
}

/** Short lists of lines carry their names at their ends. */
const named = ({ kind, series, width, bare }: TimeScene): boolean => !bare && kind === 'line' && series.length > 1 && series.length <= 5 && width >= 420;

function layOut(context: CanvasRenderingContext2D, scene: TimeScene, peak: number): Frame {
  const { width, height, model, bare, series } = scene;
  const first = model.slots[0] ?? model.from;
  const lastSlot = model.slots.at(-1) ?? model.from;
  // Columns begin where their bucket does, which may be a little before the range.
  const from = scene.kind === 'columns' ? Math.min(first, model.from) : Math.max(first, Math.min(model.from, first));
  const to = scene.kind === 'columns' ? next(lastSlot, model.seconds) : Math.max(lastSlot, Math.min(model.to, next(lastSlot, model.seconds)));
  if (bare) return { left: 0, top: 2, width, height: height - 3, from, to: Math.max(to, from + 1), max: peak || 1 };
  const steps = valueSteps(peak, Math.floor(height / 52), model.unit);
  context.font = `12px ${FONT}`;
  const gutter = Math.ceil(Math.max(24, ...steps.map((value) => context.measureText(formatShort(value, model.unit)).width))) + 8;
  const right = named(scene) ? Math.min(140, Math.ceil(Math.max(...series.map(({ label }) => context.measureText(label).width)))) + 10 : 12;
  return { left: gutter, top: TOP, width: Math.max(40, width - gutter - right), height: Math.max(20, height - TOP - AXIS), from, to: Math.max(to, from + 1), max: steps.at(-1)! };
}

export const xOf = (frame: Frame, ms: number): number => frame.left + ((ms - frame.from) / (frame.to - frame.from)) * frame.width;
const yOf = (frame: Frame, value: number): number => frame.top + frame.height - (value / frame.max) * frame.height;

function paintAxes(context: CanvasRenderingContext2D, { theme, model, height, kind }: TimeScene, frame: Frame, peak: number): void {
  context.lineWidth = 1;
  context.strokeStyle = theme.grid;
  context.fillStyle = theme.muted;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (const value of valueSteps(peak, Math.floor(height / 52), model.unit)) {
    const y = Math.round(yOf(frame, value)) + 0.5;
    line(context, frame.left, y, frame.left + frame.width, y);
    context.fillText(formatShort(value, model.unit), frame.left - 8, y);
  }
  context.textAlign = 'center';
  context.textBaseline = 'top';
  const bottom = frame.top + frame.height;
  // A day's name stands below the middle of its column.
  const aside = kind === 'columns' && model.seconds >= 86_400 ? (xOf(frame, next(frame.from, model.seconds)) - frame.left) / 2 : 0;
  for (const { at, label } of timeTicks(frame.from, frame.to, frame.width, model.seconds >= 86_400 ? 86_400_000 : 0)) {
    const x = Math.round(xOf(frame, at) + aside) + 0.5;
    const half = context.measureText(label).width / 2;
    line(context, x, bottom, x, bottom + 4);
    if (x - half >= 0 && x + half <= frame.left + frame.width + 12) context.fillText(label, x, bottom + 7);
  }
}

function line(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function paintCursor(context: CanvasRenderingContext2D, { model, slot, kind, theme }: TimeScene, frame: Frame): void {
  const start = model.slots[slot]!;
  const x = xOf(frame, start);
  if (kind === 'columns') {
    context.fillStyle = theme.grid;
    context.fillRect(x, frame.top, xOf(frame, next(start, model.seconds)) - x, frame.height);
    return;
  }
  context.strokeStyle = theme.muted;
  context.setLineDash([3, 3]);
  line(context, Math.round(x) + 0.5, frame.top, Math.round(x) + 0.5, frame.top + frame.height);
  context.setLineDash([]);
}

function paintColumns(context: CanvasRenderingContext2D, { model, series, theme, ratio }: TimeScene, frame: Frame, tops: number[][]): void {
  const fills = series.map(({ place }) => fillOf(context, theme, place, ratio));
  model.slots.forEach((start, slot) => {
    const left = xOf(frame, start);
    const whole = xOf(frame, next(start, model.seconds)) - left;
    const gap = whole > 6 ? Math.min(6, whole * 0.18) : whole > 2.5 ? 1 : 0;
    const x = left + gap / 2;
    const width = Math.max(1, Math.min(48, whole - gap));
    const middle = x + Math.max(0, (whole - gap - width) / 2);
    for (const [index, one] of series.entries()) {
      const value = one.values[slot] ?? 0;
      if (value <= 0) continue;
      const top = yOf(frame, tops[index]![slot]!);
      const bottom = yOf(frame, tops[index]![slot]! - value);
      context.fillStyle = fills[index]!;
      // A hairline between two series; at least a pixel, since little is not nothing.
      context.fillRect(middle, top, width, Math.max(1, bottom - top - (index > 0 && bottom - top > 3 ? 1 : 0)));
    }
  });
}

function paintAreas(context: CanvasRenderingContext2D, scene: TimeScene, frame: Frame, tops: number[][]): void {
  const { model, series, theme, ratio } = scene;
  for (let index = series.length - 1; index >= 0; index--) {
    const above = tops[index]!;
    const below = tops[index - 1];
    context.beginPath();
    model.slots.forEach((at, slot) => context.lineTo(xOf(frame, at), yOf(frame, above[slot]!)));
    for (let at = model.slots.length - 1; at >= 0; at--) context.lineTo(xOf(frame, model.slots[at]!), yOf(frame, below?.[at] ?? 0));
    context.closePath();
    context.fillStyle = fillOf(context, theme, series[index]!.place, ratio);
    context.globalAlpha = 0.85;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = theme.surface;
    context.lineWidth = 1;
    context.beginPath();
    model.slots.forEach((at, slot) => context.lineTo(xOf(frame, at), yOf(frame, above[slot]!)));
    context.stroke();
  }
  // Over the areas this time: they hide the one below.
  if (scene.slot >= 0) paintCursor(context, scene, frame);
}

function paintLines(context: CanvasRenderingContext2D, { model, series, theme, slot, bare }: TimeScene, frame: Frame): void {
  for (const one of [...series].reverse()) {
    context.strokeStyle = context.fillStyle = colourOf(theme, one.place);
    context.lineWidth = bare ? 1.5 : 2;
    context.lineJoin = 'round';
    context.setLineDash(DASHES[textureOf(one.place)]!);
    context.beginPath();
    let open = false;
    one.values.forEach((value, index) => {
      if (value === null) return void (open = false);
      const x = xOf(frame, model.slots[index]!);
      const y = yOf(frame, value);
      if (open) context.lineTo(x, y);
      else context.moveTo(x, y);
      open = true;
    });
    context.stroke();
    context.setLineDash([]);
    one.values.forEach((value, index) => {
      if (value === null) return;
      const alone = (one.values[index - 1] ?? null) === null && (one.values[index + 1] ?? null) === null;
      if (alone || index === slot) dot(context, xOf(frame, model.slots[index]!), yOf(frame, value), index === slot ? 4 : 2.5);
    });
  }
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fill();
}

function paintNames(context: CanvasRenderingContext2D, scene: TimeScene, frame: Frame): void {
  if (!named(scene)) return;
  const { series, theme } = scene;
  context.save();
  context.font = `12px ${FONT}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  const ends = series
    .flatMap((one) => {
      const last = one.values.findLast((value) => value !== null);
      return last === undefined || last === null ? [] : [{ one, y: yOf(frame, last) }];
    })
    .sort((a, b) => a.y - b.y);
  let floor = frame.top;
  for (const end of ends) floor = (end.y = Math.max(end.y, floor)) + 14;
  const over = Math.max(0, floor - 14 - (frame.top + frame.height));
  for (const { one, y } of ends) {
    context.fillStyle = colourOf(theme, one.place);
    context.fillText(one.label, frame.left + frame.width + 6, y - over, 140);
  }
  context.restore();
}
