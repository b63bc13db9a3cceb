// What a ClickHouse type means for showing a value.
import type { Column, Result } from './run';

export type Sort = 'number' | 'time' | 'text';

function bare(type: string): string {
  const inner = /^(?:Nullable|LowCardinality)\((.*)\)$|^SimpleAggregateFunction\([^,]+, (.*)\)$/.exec(type);
  return inner ? bare(inner[1] ?? inner[2]!) : type;
}

export function sortOf(type: string): Sort {
  const plain = bare(type);
  if (/^(U?Int|Float|Decimal|BFloat)/.test(plain)) return 'number';
  return /^Date/.test(plain) ? 'time' : 'text';
}

/** ClickHouse writes instants without a zone, in the column's one, which is UTC wherever it is one of `pub`. */
export function instantOf(text: string): number {
  const iso = text.length > 10 ? `${text.replace(' ', 'T').replace(/(\.\d{3})\d+$/, '$1')}Z` : `${text}T00:00:00Z`;
  return Date.parse(iso);
}

const grouped = (text: string): string => {
  const [whole = '', fraction] = text.split('.');
  return whole.replace(/\B(?=(\d{3})+$)/g, ',') + (fraction === undefined ? '' : `.${fraction}`);
};

/** Digits in groups, by text, so that none of them changes. */
export const cellText = (value: string, sort: Sort): string => (sort === 'number' && /^-?\d{5,}(\.\d+)?$/.test(value) ? grouped(value) : value);

export interface Picks {
  kind: 'line' | 'columns' | 'bars';
  x: string;
  y: string;
  series: string;
}

/** What a chart of it would most likely be; null: there is nothing to draw. */
export function guess({ columns }: Result): Picks | null {
  const sorted = columns.map((column: Column) => ({ ...column, sort: sortOf(column.type) }));
  const numbers = sorted.filter(({ sort }) => sort === 'number');
  const time = sorted.find(({ sort }) => sort === 'time');
  const texts = sorted.filter(({ sort }) => sort === 'text');
  const x = time ?? texts[0] ?? numbers[0];
  const y = numbers.find(({ name }) => name !== x?.name);
  if (!x || !y) return null;
  const series = (time ? texts[0] : texts[1])?.name ?? '';
  return { kind: time ? 'line' : 'bars', x: x.name, y: y.name, series };
}
