// The few things that change more often than the dots: hovered dot, selected dot, greetings of new ones.
// A canvas of its own, so that a moving mouse or a pulse never redraws 20,000 dots.
import { ERROR_INDEX } from '../model/classes';
import type { Palette } from './palette';

export interface Mark {
  x: number;
  y: number;
  class: number;
}

export interface OverlayState {
  hover: Mark | null;
  selected: Mark | null;
  /** `age` runs 0..1. */
  pulses: (Mark & { age: number })[];
}

const PULSE_REACH = 14;

export function paintOverlay(canvas: HTMLCanvasElement, state: OverlayState, palette: Palette, ratio: number): void {
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const pulse of state.pulses) {
    context.globalAlpha = (1 - pulse.age) * 0.7;
    ring(context, pulse, 3 + PULSE_REACH * pulse.age, palette.classes[pulse.class]!, 1.5);
  }
  context.globalAlpha = 1;
  if (state.selected) {
    context.strokeStyle = palette.text;
    context.globalAlpha = 0.35;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(Math.round(state.selected.x) + 0.5, 20);
    context.lineTo(Math.round(state.selected.x) + 0.5, canvas.height / ratio - 28);
    context.stroke();
    context.globalAlpha = 1;
    spot(context, state.selected, palette, 6);
  }
  if (state.hover) spot(context, state.hover, palette, 5);
}

function spot(context: CanvasRenderingContext2D, mark: Mark, palette: Palette, radius: number): void {
  const size = mark.class === ERROR_INDEX ? radius + 1 : radius;
  context.fillStyle = palette.classes[mark.class]!;
  context.beginPath();
  context.arc(mark.x, mark.y, size, 0, Math.PI * 2);
  context.fill();
  ring(context, mark, size + 1, palette.surface, 2);
  ring(context, mark, size + 2.5, palette.text, 1.5);
}

function ring(context: CanvasRenderingContext2D, mark: Mark, radius: number, colour: string, width: number): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.arc(mark.x, mark.y, radius, 0, Math.PI * 2);
  context.stroke();
}
