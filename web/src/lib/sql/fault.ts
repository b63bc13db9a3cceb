// What ClickHouse has against a query, and where in it.
import type { ApiError } from '../api/client';

export interface Fault {
  title: string;
  text: string;
  /** Where in the query, in characters. */
  from: number | null;
  to: number | null;
}

export function faultOf(error: ApiError, query: string): Fault {
  const said = /^Code: \d+\. DB::Exception: ([\s\S]*?)\.? \(([A-Z_]+)\)(?: \(version [^)]*\))?([\s\S]*)$/.exec(error.detail);
  if (!said) return { title: error.title, text: error.detail, from: null, to: null };
  const [, text = '', name = '', advice = ''] = said;
  const place = placeOf(text, query);
  return { title: sentence(name), text: [clean(text), advice.trim()].filter(Boolean).join('\n'), from: place?.from ?? null, to: place?.to ?? null };
}

const sentence = (name: string): string => {
  const words = name.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** The scope repeats the query. */
const clean = (text: string): string => text.replace(/\.? [Ii]n scope [\s\S]*$/, '').replace(/ {2,}/g, ' ').trim();

function placeOf(text: string, query: string): { from: number; to: number } | null {
  const at = /failed at position (\d+)/.exec(text);
  if (at) {
    const from = Math.min(charsOf(query, Number(at[1]) - 1), query.length);
    const word = /^(\w+|\S)/.exec(query.slice(from));
    return from < query.length ? { from, to: from + (word?.[0].length ?? 1) } : { from: Math.max(0, query.trimEnd().length - 1), to: query.trimEnd().length };
  }
  const named = /(?:identifier|[Ff]unction(?: with name)?|column|table) [`'"]([^`'"]+)[`'"]/.exec(text)?.[1];
  return named ? find(query, named) : null;
}

/** ClickHouse counts bytes. */
function charsOf(query: string, bytes: number): number {
  const all = new TextEncoder().encode(query);
  return new TextDecoder().decode(all.slice(0, bytes)).length;
}

function find(query: string, name: string): { from: number; to: number } | null {
  for (const wanted of [name, name.split('.').at(-1)!]) {
    const escaped = wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const found = new RegExp(`(?<![\\w.])${escaped}(?!\\w)`).exec(query) ?? new RegExp(escaped).exec(query);
    if (found) return { from: found.index, to: found.index + wanted.length };
  }
  return null;
}

export function lineOf(query: string, at: number): { line: number; column: number } {
  const before = query.slice(0, at).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}
