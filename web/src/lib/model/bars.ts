// The volume histogram: counts per bucket and class, loaded from the timeline and kept current by the stream.
import type { Timeline } from '../api/types';
import { CLASSES, classIndex, ERROR_INDEX } from './classes';

export interface Bar {
  /** Start of the bucket, unix ms. */
  ts: number;
  counts: number[];
}

export class Bars {
  readonly #bars = new Map<number, Bar>();

  constructor(readonly bucketMs: number) {}

  static fromTimeline(timeline: Timeline): Bars {
    const bars = new Bars(timeline.bucket_seconds * 1000);
    for (const bucket of timeline.buckets) bars.#bar(Date.parse(bucket.ts)).counts[classIndex(bucket.key)]! += bucket.count;
    return bars;
  }

  add(ts: number, className: string): void {
    this.#bar(Math.floor(ts / this.bucketMs) * this.bucketMs).counts[classIndex(className)]!++;
  }

  at(ts: number): Bar | undefined {
    return this.#bars.get(Math.floor(ts / this.bucketMs) * this.bucketMs);
  }

  /** Bars that touch the window, in no particular order. */
  within(from: number, to: number): Bar[] {
    return [...this.#bars.values()].filter((bar) => bar.ts + this.bucketMs > from && bar.ts < to);
  }

  countByClass(from: number, to: number): number[] {
    const counts = new Array<number>(CLASSES.length).fill(0);
    for (const bar of this.within(from, to)) bar.counts.forEach((count, index) => (counts[index]! += count));
    return counts;
  }

  #bar(ts: number): Bar {
    let bar = this.#bars.get(ts);
    if (!bar) this.#bars.set(ts, (bar = { ts, counts: new Array<number>(CLASSES.length).fill(0) }));
    return bar;
  }
}

/** What a bar shows under the legend's choice. */
export function barTotals(bar: Bar, hidden: boolean[]): { count: number; errors: number } {
  let count = 0;
  bar.counts.forEach((n, index) => (count += hidden[index] ? 0 : n));
  return { count, errors: hidden[ERROR_INDEX] ? 0 : bar.counts[ERROR_INDEX]! };
}
