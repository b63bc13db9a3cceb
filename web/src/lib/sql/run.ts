// One query to `POST /api/v1/sql`, its rows as they come. Values stay the text that ClickHouse wrote: a UInt64 or a Decimal would not
// survive being a JavaScript number.
import { ApiError, fetchResponse } from '../api/client';

/** One row a line, so that the page can show the first rows early and stop the query when it has enough. */
const FORMAT = 'JSONCompactStringsEachRowWithNamesAndTypes';
/** What the page holds; the file has all of them. */
export const MOST_ROWS = 10_000;
export const NULL = 'ᴺᵁᴸᴸ';

export interface Column {
  name: string;
  type: string;
}

export interface Result {
  columns: Column[];
  rows: string[][];
  /** The query had more rows than the page shows, and was stopped. */
  cut: boolean;
  bytes: number;
  ms: number;
  /** The answer as it came, where the query has a FORMAT of its own. */
  text: string | null;
}

const ask = (query: string, format: string, signal?: AbortSignal) =>
  fetchResponse('/api/v1/sql', { method: 'POST', body: { query, format }, signal });

export async function run(query: string, signal: AbortSignal): Promise<Result> {
  const started = performance.now();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const response = await ask(query, FORMAT, both);
  const foreign = (response.headers.get('x-clickhouse-format') ?? FORMAT) !== FORMAT;
  const lines = new Lines();
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      lines.take(done ? decoder.decode() : decoder.decode(value, { stream: true }), foreign);
      if (done) break;
      bytes += value.length;
      if (lines.full) break;
    }
  } catch (error) {
    // An answer that breaks off says why in its last lines.
    if (signal.aborted || !lines.tail.includes(BROKEN)) throw signal.aborted ? error : new ApiError(0, 'The answer broke off', '');
  }
  if (lines.full) stop.abort();
  lines.end();
  const ms = performance.now() - started;
  if (foreign) return { columns: [], rows: [], cut: lines.full, bytes, ms, text: lines.tail };
  const [names = [], types = [], ...rows] = lines.rows;
  return { columns: names.map((name, index) => ({ name, type: types[index] ?? '' })), rows: rows.slice(0, MOST_ROWS), cut: lines.full, bytes, ms, text: null };
}

/** All rows, as a file. */
export async function download(query: string, signal?: AbortSignal): Promise<Blob> {
  const blob = await (await ask(query, 'CSVWithNames', signal)).blob();
  const tail = await blob.slice(-8192).text();
  if (tail.includes(BROKEN)) throw broken(tail);
  return blob;
}

const BROKEN = '__exception__';
const MOST_TEXT = 2_000_000;

/** ClickHouse frames an error that comes after the first rows: marker, tag, text, length and tag, marker. */
function broken(tail: string): ApiError {
  const said = /__exception__\s+(\S+)\s+([\s\S]*?)\s+\d+ \1\s+__exception__/.exec(tail);
  const code = /Code: (\d+)\./.exec(said?.[2] ?? '');
  return new ApiError(400, 'Bad Request', said?.[2] ?? 'The answer broke off', 0, code ? { clickhouse_code: Number(code[1]) } : {});
}

class Lines {
  rows: string[][] = [];
  tail = '';
  full = false;

  take(text: string, foreign: boolean): void {
    this.tail += text;
    if (foreign) {
      this.full = this.tail.length > MOST_TEXT;
      return;
    }
    // What follows the marker is the error, which has lines of its own.
    if (this.tail.includes(BROKEN)) return;
    const lines = this.tail.split('\n');
    this.tail = lines.pop()!;
    for (const line of lines) if (line.startsWith('[')) this.rows.push(JSON.parse(line) as string[]);
    // Two of them are the names and the types.
    this.full = this.rows.length > MOST_ROWS + 2;
  }

  end(): void {
    // Stopped in the middle of a line: what is left of it is no row.
    if (this.full) return;
    if (this.tail.includes(BROKEN)) throw broken(this.tail);
    if (this.tail.startsWith('[')) this.rows.push(JSON.parse(this.tail) as string[]);
  }
}
