// A table on a canvas: as many columns as fit, each as wide as it needs.
import { fit } from './marks';
import type { Part, Sheet } from './pngParts';
import { FONT } from './theme';

export interface Cells {
  columns: { title: string; right: boolean }[];
  rows: { text: string; tone?: 'ok' | 'warn' | 'bad' | undefined }[][];
  /** Rows that are not in it. */
  left: number;
}

const ROW = 26;
const GAP = 20;
const WIDEST = 320;

export function bandsOf(cells: Cells, { context, width }: Sheet): Part[] {
  context.font = `13px ${FONT}`;
  const wanted = cells.columns.map(({ title }, index) =>
    Math.min(WIDEST, Math.ceil(Math.max(context.measureText(title).width, ...cells.rows.map((row) => context.measureText(row[index]?.text ?? '').width)))),
  );
  const total = wanted.reduce((sum, one) => sum + one + GAP, -GAP);
  // Too much for the width: all give in the same measure; too little: the rest goes between them.
  const scale = Math.min(1, (width - GAP * (wanted.length - 1)) / Math.max(1, total - GAP * (wanted.length - 1)));
  const widths = wanted.map((one) => one * scale);
  const lefts = widths.map((_, index) => widths.slice(0, index).reduce((sum, one) => sum + one + GAP, 0));
  const end = (lefts.at(-1) ?? 0) + (widths.at(-1) ?? 0);
  const stretch = Math.min(2, width / Math.max(1, end));
  const rows = [cells.columns.map(({ title }) => ({ text: title })), ...cells.rows] as Cells['rows'];
  return [
    {
      height: rows.length * ROW + (cells.left > 0 ? ROW : 0),
      paint: ({ context: paint, theme }) => {
        paint.font = `13px ${FONT}`;
        paint.textBaseline = 'middle';
        rows.forEach((row, at) => {
          const y = at * ROW + ROW / 2;
          row.forEach(({ text, tone }, index) => {
            const left = lefts[index]! * stretch;
            const room = widths[index]! * stretch;
            const right = cells.columns[index]!.right;
            paint.fillStyle = at === 0 ? theme.muted : tone ? theme[tone] : theme.text;
            paint.textAlign = right ? 'right' : 'left';
            paint.fillText(fit(paint, text, room + 1), right ? left + room : left, y);
          });
          paint.fillStyle = at === 0 ? theme.border : theme.grid;
          paint.fillRect(0, (at + 1) * ROW - 1, end * stretch, 1);
        });
        paint.textAlign = 'left';
        paint.fillStyle = theme.muted;
        if (cells.left > 0) paint.fillText(`and ${cells.left} more rows`, 0, rows.length * ROW + ROW / 2);
      },
    },
  ];
}
