// A panel as a picture for slides and chats: title, what it covers, the figures, the legend; in the theme in force.
import type { Params } from '../api/client';
import { describeSpan } from '../packs/period';
import type { Table } from './answer';
import { fit } from './marks';
import { partsOf, type Sheet } from './pngParts';
import { FONT, readTheme } from './theme';
import { columnWords, unitWords } from './units';

const WIDTH = 1120;
const PAD = 32;
const HEAD = 64;
const FOOT = 32;
const RATIO = 2;
const GAP = 8;
const NO_FILTERS = ['from', 'to', 'timezone', 'limit'];

export interface Picture {
  packTitle: string;
  asked: Params;
  asTable: boolean;
}

export async function panelPng(table: Table, picture: Picture): Promise<Blob> {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d')!;
  const root = document.documentElement;
  const style = getComputedStyle(root);
  const sheet: Sheet = { context, theme: readTheme(root), classColour: (name) => style.getPropertyValue(`--class-${name}`).trim(), width: WIDTH - 2 * PAD, ratio: RATIO };
  const parts = partsOf(table, picture.asTable, sheet);
  const body = parts.reduce((sum, { height }) => sum + height + GAP, 0);
  canvas.width = WIDTH * RATIO;
  canvas.height = Math.ceil(PAD + HEAD + body + FOOT + PAD / 2) * RATIO;
  context.scale(RATIO, RATIO);
  context.fillStyle = sheet.theme.surface;
  context.fillRect(0, 0, WIDTH, canvas.height);
  paintHead(sheet, table, picture);
  let y = PAD + HEAD;
  for (const part of parts) {
    context.save();
    context.translate(PAD, y);
    part.paint(sheet);
    context.restore();
    y += part.height + GAP;
  }
  context.font = `12px ${FONT}`;
  context.fillStyle = sheet.theme.muted;
  context.textAlign = 'left';
  context.textBaseline = 'alphabetic';
  context.fillText(`ActivityLog · ${picture.packTitle}${table.answer.truncated ? ` · only the first ${table.rows.length.toLocaleString('en-US')} rows` : ''}`, PAD, y + 20);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The picture could not be made.'))), 'image/png'));
}

function paintHead({ context, theme, width }: Sheet, table: Table, { asked }: Picture): void {
  const filters = Object.entries(asked).flatMap(([name, value]) => (value && !NO_FILTERS.includes(name) ? [`${columnWords(name)} ${value}`] : []));
  const covers = [unitWords(table.panel.unit), describeSpan(table.from, table.to), table.answer.timezone, ...filters].filter(Boolean).join(' · ');
  context.textAlign = 'left';
  context.textBaseline = 'alphabetic';
  context.fillStyle = theme.text;
  context.font = `600 20px ${FONT}`;
  context.fillText(fit(context, table.panel.title, width), PAD, PAD + 14);
  context.fillStyle = theme.muted;
  context.font = `13px ${FONT}`;
  context.fillText(fit(context, covers, width), PAD, PAD + 36);
}
