// An answer of a panel, asked by the names of its columns.
import type { Answer, Cell, Column, Panel } from '../api/packs';

export class Table {
  readonly #index: Map<string, number>;

  constructor(
    readonly panel: Panel,
    readonly answer: Answer,
  ) {
    this.#index = new Map(answer.columns.map(({ name }, index) => [name, index]));
  }

  get rows(): Cell[][] {
    return this.answer.rows;
  }

  get columns(): Column[] {
    return this.answer.columns;
  }

  column(name: string | null | undefined): Column | undefined {
    return name == null ? undefined : this.answer.columns[this.#index.get(name) ?? -1];
  }

  cell(row: Cell[], name: string | null | undefined): Cell | undefined {
    return name == null ? undefined : row[this.#index.get(name) ?? -1];
  }

  /** A column's own unit; the panel's for its main values that say none. What stands below a headline says its own or has none. */
  unit(name: string): string {
    const own = this.column(name)?.unit;
    if (own && own !== 'none') return own;
    const main = this.panel.visual === 'stat' ? this.panel.values[0] === name : this.panel.values.includes(name);
    return main ? this.panel.unit : 'none';
  }

  get from(): number {
    return Date.parse(this.answer.from);
  }

  get to(): number {
    return Date.parse(this.answer.to);
  }
}
