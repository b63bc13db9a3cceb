// Every point on the chart, as parallel arrays sorted by time. No object per dot: 20,000 of them are drawn in one pass.
import type { EventItem, Points } from '../api/types';
import { CLASSES, classIndex } from './classes';

export interface FreshDot {
  ts: number;
  class: number;
  jitter: number;
}

export class Dots {
  /** Ascending; everything below follows its order. */
  ts: number[] = [];
  id: string[] = [];
  class: number[] = [];
  /** Position inside the lane, 0..1, from a hash of the id: density shows as thickness, and a reload moves nothing. */
  jitter: number[] = [];
  type: string[] = [];
  source: string[] = [];
  message: string[] = [];
  #known = new Set<string>();
  #fresh: FreshDot[] = [];

  get size(): number {
    return this.ts.length;
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  static fromPoints(points: Points): Dots {
    const dots = new Dots();
    const { columns } = points;
    for (let i = columns.id.length - 1; i >= 0; i--) {
      dots.add(columns.id[i]!, columns.ts[i]!, columns.class[i]!, columns.event_type[i]!, columns.source[i]!, columns.message[i]!);
    }
    return dots;
  }

  addItem(item: EventItem): boolean {
    return this.add(item.id, Date.parse(item.timestamp), item.event_class, item.event_type, item.source ?? '', item.message ?? '');
  }

  /** False if the id is already there. Appending is the usual case; a late event is put in its place. */
  add(id: string, ts: number, className: string, type: string, source: string, message: string): boolean {
    if (this.#known.has(id)) return false;
    this.#known.add(id);
    const at = this.ts.length === 0 || this.ts[this.ts.length - 1]! <= ts ? this.ts.length : this.firstAtOrAfter(ts);
    insert(this.ts, at, ts);
    insert(this.id, at, id);
    insert(this.class, at, classIndex(className));
    const jitter = hash(id);
    insert(this.jitter, at, jitter);
    insert(this.type, at, type);
    insert(this.source, at, source);
    insert(this.message, at, message);
    this.#fresh.push({ ts, class: classIndex(className), jitter });
    return true;
  }

  /** What was added since the last call: the chart draws only these on top of what it has. */
  takeFresh(): FreshDot[] {
    return this.#fresh.splice(0);
  }

  /** The first index with a time of at least `ts`. Because of this search the time order is all the index that hit-testing needs. */
  firstAtOrAfter(ts: number): number {
    let low = 0;
    let high = this.ts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ts[middle]! < ts) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** From the end: what is asked for is mostly recent. */
  indexOf(id: string): number {
    return this.#known.has(id) ? this.id.lastIndexOf(id) : -1;
  }

  /** Forgets what slid out of the window, in steps, so that a page left open for a week stays small. */
  dropBefore(ts: number): void {
    const cut = this.firstAtOrAfter(ts);
    if (cut < 1000) return;
    for (const id of this.id.slice(0, cut)) this.#known.delete(id);
    for (const column of [this.ts, this.id, this.class, this.jitter, this.type, this.source, this.message]) column.splice(0, cut);
  }

  countByClass(from: number, to: number): number[] {
    const counts = new Array<number>(CLASSES.length).fill(0);
    for (let i = this.firstAtOrAfter(from); i < this.ts.length && this.ts[i]! <= to; i++) counts[this.class[i]!]!++;
    return counts;
  }
}

function insert<T>(column: T[], at: number, value: T): void {
  if (at === column.length) column.push(value);
  else column.splice(at, 0, value);
}

/** FNV-1a with a final mix: time-ordered ids share their first half, so their last bits must reach every bit of the result. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x45d9f3b);
  h ^= h >>> 16;
  return (h >>> 0) / 0x1_0000_0000;
}
