// The frame that uPlot gives: canvas, time axis, drag to select. What lies inside is drawn by paint.ts through its hook.
import uPlot from 'uplot';
import type { Span } from '../model/range';
import { tickLabels, TICK_STEPS } from './axis';
import type { Box } from './layout';
import type { Palette } from './palette';

export interface PlotHandlers {
  draw(context: CanvasRenderingContext2D): void;
  zoom(from: number, to: number): void;
}

export interface Plot {
  u: uPlot;
  resize(width: number, height: number): void;
  setSpan(span: Span): void;
  box(): Box;
  destroy(): void;
}

const AXIS_HEIGHT = 28;
/** Holds the word "now". */
const TOP = 20;
/** Room for half a tick label at the edge. */
const RIGHT = 28;
/** Shorter than this is a click with an unsteady hand. */
const MIN_DRAG = 6;

export function createPlot(element: HTMLElement, gutter: () => number, palette: () => Palette, handlers: PlotHandlers): Plot {
  const options: uPlot.Options = {
    width: Math.max(200, element.clientWidth),
    height: Math.max(120, element.clientHeight),
    ms: 1,
    padding: [TOP, RIGHT, 0, () => gutter()],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: MIN_DRAG },
      // Double click would reset the scale that this page drives.
      bind: { dblclick: () => null },
    },
    scales: { x: { time: true, auto: false }, y: { auto: false, range: [0, 1] } },
    series: [{}, { show: false }],
    axes: [
      {
        size: AXIS_HEIGHT,
        font: '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
        stroke: () => palette().muted,
        grid: { stroke: () => palette().grid, width: 1 },
        ticks: { show: false },
        gap: 8,
        incrs: TICK_STEPS,
        space: 72,
        values: (_, ticks, _axis, _space, step) => tickLabels(ticks, step),
      },
      { show: false },
    ],
    hooks: {
      draw: [(u) => handlers.draw(u.ctx)],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width < MIN_DRAG) return;
          handlers.zoom(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
  const u = new uPlot(options, [[0, 1], [0, 1]], element);
  return {
    u,
    resize: (width, height) => u.setSize({ width, height }),
    setSpan: (span) => u.setScale('x', { min: span.from, max: span.to }),
    box() {
      const ratio = uPlot.pxRatio;
      const { left, top, width, height } = u.bbox;
      return { left: left / ratio, top: top / ratio, width: width / ratio, height: height / ratio };
    },
    destroy: () => u.destroy(),
  };
}
