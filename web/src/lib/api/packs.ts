// Packs of panels, and the values that filters offer.
import { fetchResponse, send, type Params } from './client';

export type Visual = 'line' | 'area' | 'columns' | 'bars' | 'stat' | 'table' | 'status' | 'marks' | 'waterfall';
export type Unit = 'usd' | 'tokens' | 'count' | 'ratio' | 'ms' | 'bytes' | 'none';

export interface Panel {
  id: string;
  title: string;
  description: string;
  unit: string;
  visual: Visual;
  x: string | null;
  by: string | null;
  values: string[];
  width: 'half' | 'full';
  summary: boolean;
  drill_down: string | null;
  /** Those of the pack's filters that this panel heeds. */
  filters: string[];
}

export interface Pack {
  id: string;
  title: string;
  description: string;
  sources: string[];
  filters: string[];
  enabled: boolean;
  /** One of its sources was seen, or is configured. */
  available: boolean;
  /** The tenant's own. */
  custom: boolean;
  may_change: boolean;
  panels: Panel[];
}

export interface Column {
  name: string;
  type: 'time' | 'date' | 'string' | 'integer' | 'number' | 'decimal' | 'boolean' | 'list' | 'map';
  unit: string | null;
}

/** A number that a float can not hold exactly stays its text. */
export type Cell = string | number | boolean | null | Cell[] | { [key: string]: Cell };

export interface Answer {
  pack_id: string;
  panel_id: string;
  title: string;
  unit: string;
  visual: Visual;
  from: string;
  to: string;
  timezone: string;
  bucket_seconds: number;
  columns: Column[];
  rows: Cell[][];
  truncated: boolean;
}

export interface ValueItem {
  value: string;
  events: number;
}

const V1 = '/api/v1';
const enc = encodeURIComponent;
const one = (id: string) => `${V1}/packs/${enc(id)}`;

export const packs = {
  list: (signal?: AbortSignal) => send<{ items: Pack[] }>(`${V1}/packs`, { signal }),
  enable: (id: string, enabled: boolean) => send<Pack>(one(id), { method: 'PUT', body: { enabled } }),
  define: (id: string, definition: string) => send<Pack>(one(id), { method: 'PUT', body: { definition } }),
  /** Removes an own pack; of the others, forgets the choice. */
  remove: (id: string) => send<void>(one(id), { method: 'DELETE' }),
  panelPath: (pack: string, panel: string) => `${one(pack)}/panels/${enc(panel)}`,
};

export async function fetchPanel(pack: string, panel: string, params: Params, signal?: AbortSignal): Promise<Answer> {
  const response = await fetchResponse(packs.panelPath(pack, panel), { params, signal });
  return parseExact(await response.text()) as Answer;
}

export const fetchValues = (params: Params, signal?: AbortSignal) => send<{ items: ValueItem[] }>(`${V1}/values`, { params, signal });

/** JSON whose numbers lose no digit: one that would is given as its text. Browsers that do not show the source give the float. */
export function parseExact(text: string): unknown {
  const keep = (_key: string, value: unknown, context?: { source?: string }) => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined || source.replace(/[^\d]/g, '').length < 16) return value;
    return source;
  };
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}
