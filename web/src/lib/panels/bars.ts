// A ranking: one row a category, its values side by side.
import type { Cell } from '../api/packs';
import type { Table } from './answer';
import type { Series } from './series';
import { columnWords, nameOf, toNumber } from './units';

export interface BarRow {
  name: string;
  row: Cell[];
  values: number[];
  total: number;
}

export interface BarModel {
  rows: BarRow[];
  /** Of the longest bar. */
  max: number;
  unit: string;
  /** The parts of each bar, where there are several. */
  parts: Series[];
}

export function barModel(table: Table): BarModel {
  const { panel } = table;
  const by = table.column(panel.by);
  const rows = table.rows.map((row) => {
    const values = panel.values.map((name) => Math.max(0, toNumber(table.cell(row, name)) || 0));
    return { name: nameOf(table.cell(row, panel.by), by), row, values, total: values.reduce((sum, value) => sum + value, 0) };
  });
  const parts = panel.values.map((name, place) => ({
    key: name,
    label: columnWords(name),
    values: [],
    rows: [],
    total: rows.reduce((sum, { values }) => sum + values[place]!, 0),
    rest: 0,
    place,
  }));
  return { rows, max: Math.max(0, ...rows.map(({ total }) => total)), unit: table.unit(panel.values[0] ?? ''), parts };
}

/** Part of the longest bar, in percent; little is not nothing. */
export const widthOf = (value: number, max: number): number => (value > 0 && max > 0 ? Math.max(0.4, (value / max) * 100) : 0);
