// Events on a time axis, a lane for each value of `by`: where they are, and how they are drawn.
import type { Cell } from '../api/packs';
import type { Table } from './answer';
import { timeTicks } from './scale';
import { FONT, type Theme } from './theme';
import { columnWords, formatCell, nameOf, timeOf } from './units';

export interface Mark {
  lane: number;
  at: number;
  row: Cell[];
  label: string;
}

export interface MarkModel {
  lanes: string[];
  /** In time order. */
  marks: Mark[];
  from: number;
  to: number;
  /** Lanes that are not drawn. */
  omitted: number;
}

export const LANE = 28;
export const AXIS = 26;
const MOST_LANES = 16;
const RADIUS = 5;

export function markModel(table: Table): MarkModel {
  const { panel } = table;
  const x = table.column(panel.x);
  const by = table.column(panel.by);
  const found = new Map<string, Mark[]>();
  for (const row of table.rows) {
    const at = timeOf(table.cell(row, panel.x), x?.type ?? 'time');
    if (Number.isNaN(at)) continue;
    const name = nameOf(table.cell(row, panel.by), by);
    const lane = found.get(name) ?? [];
    lane.push({ lane: 0, at, row, label: String(table.cell(row, 'label') ?? '') });
    found.set(name, lane);
  }
  const lanes = [...found].sort((a, b) => b[1].length - a[1].length).slice(0, MOST_LANES);
  const marks = lanes.flatMap(([, list], lane) => list.map((mark) => ({ ...mark, lane })));
  return { lanes: lanes.map(([name]) => name), marks: marks.sort((a, b) => a.at - b.at), from: table.from, to: table.to, omitted: found.size - lanes.length };
}

/** What a mark says besides its lane and time. */
export function detailsOf(table: Table, mark: Mark): { name: string; text: string }[] {
  return table.columns
    .filter(({ name }) => name !== table.panel.x && name !== table.panel.by && name !== 'label')
    .map((column) => ({ name: columnWords(column.name), text: formatCell(table.cell(mark.row, column.name), column, table.unit(column.name)) }))
    .filter(({ text }) => text !== '');
}

export interface MarkFrame {
  left: number;
  width: number;
  model: MarkModel;
}

const GUTTER = 132;
export const xOfMark = ({ left, width, model }: MarkFrame, at: number): number => left + ((at - model.from) / Math.max(1, model.to - model.from)) * width;
export const yOfLane = (lane: number): number => lane * LANE + LANE / 2;

export function paintMarks(context: CanvasRenderingContext2D, model: MarkModel, width: number, theme: Theme, active: number): MarkFrame {
  const left = Math.min(GUTTER, width * 0.32);
  const frame: MarkFrame = { left, width: Math.max(40, width - left - 12), model };
  const bottom = model.lanes.length * LANE;
  context.save();
  context.font = `12px ${FONT}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  context.strokeStyle = theme.grid;
  model.lanes.forEach((name, lane) => {
    context.fillStyle = theme.text;
    context.fillText(fit(context, name, left - 12), 0, yOfLane(lane));
    context.beginPath();
    context.moveTo(left, yOfLane(lane) + 0.5);
    context.lineTo(left + frame.width, yOfLane(lane) + 0.5);
    context.stroke();
  });
  context.fillStyle = theme.muted;
  context.textAlign = 'center';
  for (const { at, label } of timeTicks(model.from, model.to, frame.width)) {
    const half = context.measureText(label).width / 2;
    const x = xOfMark(frame, at);
    if (x - half >= left - 12 && x + half <= width) context.fillText(label, x, bottom + 12);
  }
  context.textAlign = 'left';
  model.marks.forEach((mark, index) => paintMark(context, frame, mark, index === active, theme));
  context.restore();
  return frame;
}

function paintMark(context: CanvasRenderingContext2D, frame: MarkFrame, mark: Mark, active: boolean, theme: Theme): void {
  const x = xOfMark(frame, mark.at);
  const y = yOfLane(mark.lane);
  const reach = active ? RADIUS + 2 : RADIUS;
  context.beginPath();
  context.moveTo(x, y - reach);
  context.lineTo(x + reach, y);
  context.lineTo(x, y + reach);
  context.lineTo(x - reach, y);
  context.closePath();
  context.fillStyle = theme.series[mark.lane % theme.series.length]!;
  context.fill();
  context.lineWidth = active ? 2 : 1;
  context.strokeStyle = active ? theme.text : theme.surface;
  context.stroke();
}

/** Cut to a width, with an ellipsis. */
export function fit(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
}
