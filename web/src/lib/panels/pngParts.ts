// What a panel's picture is made of: each part knows its height before it is drawn.
import { bandsOf, type Cells } from './pngTable';
import { barModel, widthOf } from './bars';
import { AXIS, fit, LANE, markModel, paintMarks } from './marks';
import { paintTime } from './paintTime';
import { timeModel, type Series } from './series';
import type { Table } from './answer';
import { asStatus, STATUS_WORDS } from './status';
import { fillOf, FONT, type Theme } from './theme';
import { columnWords, formatCell, formatShort, formatValue, isNumeric } from './units';
import { classOf, waterfallModel } from './waterfall';

export interface Sheet {
  context: CanvasRenderingContext2D;
  theme: Theme;
  /** Of an event class, by its token. */
  classColour: (name: string) => string;
  width: number;
  ratio: number;
}

export interface Part {
  height: number;
  /** With the origin at its own top left corner. */
  paint: (sheet: Sheet) => void;
}

const MOST_BARS = 40;
const MOST_ROWS = 60;
const MOST_STEPS = 80;

export function partsOf(table: Table, asTable: boolean, sheet: Sheet): Part[] {
  const visual = asTable ? 'table' : table.panel.visual;
  if (visual === 'line' || visual === 'area' || visual === 'columns') return timeParts(table, visual, sheet);
  if (visual === 'bars') return barParts(table, sheet);
  if (visual === 'stat') return [statPart(table)];
  if (visual === 'marks') return [marksPart(table)];
  if (visual === 'waterfall') return [waterfallPart(table)];
  return bandsOf(cellsOf(table, visual === 'status'), sheet);
}

function timeParts(table: Table, kind: 'line' | 'area' | 'columns', sheet: Sheet): Part[] {
  const model = timeModel(table);
  const height = 380;
  const chart: Part = {
    height,
    paint: ({ context, theme, width, ratio }) => void paintTime(context, { model, series: model.series, kind, width, height, ratio, theme, slot: -1 }),
  };
  const keyed = model.series.length > 1 || Boolean(table.panel.by);
  return keyed ? [chart, legend(model.series, (one) => (model.summed ? `${one.label}  ${formatShort(one.total, model.unit)}` : one.label), sheet)] : [chart];
}

function legend(series: Series[], text: (one: Series) => string, { context, width }: Sheet): Part {
  context.font = `13px ${FONT}`;
  let x = 0;
  let y = 12;
  const places = series.map((one) => {
    const length = 18 + context.measureText(text(one)).width + 20;
    if (x > 0 && x + length > width) [x, y] = [0, y + 22];
    const place = { one, x, y };
    x += length;
    return place;
  });
  return {
    height: y + 16,
    paint: (sheet) => {
      sheet.context.font = `13px ${FONT}`;
      sheet.context.textBaseline = 'middle';
      for (const { one, x, y } of places) {
        sheet.context.fillStyle = fillOf(sheet.context, sheet.theme, one.place, sheet.ratio);
        sheet.context.fillRect(x, y - 6, 12, 12);
        sheet.context.fillStyle = sheet.theme.text;
        sheet.context.fillText(text(one), x + 18, y);
      }
    },
  };
}

function barParts(table: Table, sheet: Sheet): Part[] {
  const model = barModel(table);
  const rows = model.rows.slice(0, MOST_BARS);
  const bars: Part = {
    height: rows.length * 28 + (model.rows.length > rows.length ? 24 : 0),
    paint: ({ context, theme, width, ratio }) => {
      const left = Math.min(280, width * 0.3);
      const room = width - left - 120;
      context.font = `13px ${FONT}`;
      context.textBaseline = 'middle';
      rows.forEach(({ name, values, total }, index) => {
        const y = index * 28 + 14;
        context.fillStyle = theme.text;
        context.textAlign = 'left';
        context.fillText(fit(context, name, left - 16), 0, y);
        let x = left;
        values.forEach((value, place) => {
          const length = (widthOf(value, model.max) / 100) * room;
          context.fillStyle = fillOf(context, theme, place, ratio);
          context.fillRect(x, y - 7, Math.max(0, length - (place < values.length - 1 ? 1 : 0)), 14);
          x += length;
        });
        context.fillStyle = theme.text;
        context.textAlign = 'right';
        context.fillText(formatValue(total, model.unit), width, y);
      });
      more(context, theme, model.rows.length - rows.length, rows.length * 28 + 12);
    },
  };
  return model.parts.length > 1 ? [bars, legend(model.parts, ({ label }) => label, sheet)] : [bars];
}

function more(context: CanvasRenderingContext2D, theme: Theme, count: number, y: number): void {
  if (count <= 0) return;
  context.textAlign = 'left';
  context.fillStyle = theme.muted;
  context.fillText(`and ${count} more`, 0, y);
}

function statPart(table: Table): Part {
  const row = table.rows[0] ?? [];
  const figures = table.panel.values.map((name) => {
    const column = table.column(name);
    return { words: columnWords(name), text: (column && formatCell(table.cell(row, name), column, table.unit(name))) || '–' };
  });
  return {
    height: 64 + Math.max(0, figures.length - 1) * 26,
    paint: ({ context, theme, width }) => {
      context.textBaseline = 'middle';
      figures.forEach(({ words, text }, index) => {
        context.textAlign = 'left';
        context.fillStyle = theme.text;
        if (index === 0) {
          context.font = `600 40px ${FONT}`;
          context.fillText(text, 0, 26);
          return;
        }
        const y = 64 + (index - 1) * 26 + 13;
        context.font = `14px ${FONT}`;
        context.fillStyle = theme.muted;
        context.fillText(words, 0, y);
        context.textAlign = 'right';
        context.fillStyle = theme.text;
        context.fillText(text, Math.min(width, 480), y);
      });
    },
  };
}

function marksPart(table: Table): Part {
  const model = markModel(table);
  return { height: model.lanes.length * LANE + AXIS, paint: ({ context, theme, width }) => void paintMarks(context, model, width, theme, -1) };
}

function waterfallPart(table: Table): Part {
  const { steps, total } = waterfallModel(table);
  const shown = steps.slice(0, MOST_STEPS);
  return {
    height: 24 + shown.length * 22 + (steps.length > shown.length ? 24 : 0),
    paint: ({ context, theme, width, classColour }) => {
      const left = Math.min(340, width * 0.34);
      const room = width - left - 90;
      context.font = `13px ${FONT}`;
      context.textBaseline = 'middle';
      context.textAlign = 'left';
      context.fillStyle = theme.muted;
      context.fillText(`${steps.length} steps in ${formatValue(total, 'ms')}`, 0, 10);
      shown.forEach((step, index) => {
        const y = 24 + index * 22 + 11;
        const indent = Math.min(step.depth, 8) * 14;
        context.textAlign = 'left';
        context.fillStyle = theme.text;
        context.fillText(fit(context, `${step.kind} ${step.name}${step.failed ? ' (failed)' : ''}`, left - indent - 12), indent, y);
        context.fillStyle = theme.sunken;
        context.fillRect(left, y - 6, room, 12);
        context.fillStyle = classColour(classOf(step));
        context.fillRect(left + (step.left / 100) * room, y - 6, Math.max(2, (step.width / 100) * room), 12);
        context.fillStyle = theme.text;
        context.textAlign = 'right';
        if (step.duration) context.fillText(formatValue(step.duration, 'ms'), width, y);
      });
      more(context, theme, steps.length - shown.length, 24 + shown.length * 22 + 12);
    },
  };
}

function cellsOf(table: Table, status: boolean): Cells {
  const columns = table.columns.map((column) => ({ title: columnWords(column.name), right: isNumeric(column) }));
  const rows = table.rows.slice(0, MOST_ROWS).map((row) =>
    table.columns.map((column, index) => {
      if (!status || column.name !== 'status') return { text: formatCell(row[index], column, table.unit(column.name)) };
      const one = asStatus(row[index]);
      return { text: STATUS_WORDS[one], tone: one === 'unknown' ? undefined : one };
    }),
  );
  return { columns, rows, left: table.rows.length - rows.length };
}

