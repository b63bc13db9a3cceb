// Packs of panels, and the values that filters offer.
import { fetchResponse, send, type Params } from './client';
import type { components } from './openapi';

type Schemas = components['schemas'];

export type Pack = Schemas['PackItem'];
export type Panel = Schemas['PanelItem'];
export type Visual = Panel['visual'];
export type Column = Schemas['Answer']['columns'][number];

/** A number that a float can not hold exactly stays its text. */
export type Cell = string | number | boolean | null | Cell[] | { [key: string]: Cell };

export type Answer = Omit<Schemas['Answer'], 'rows'> & { rows: Cell[][] };

export type ValueItem = Schemas['Count'];

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
