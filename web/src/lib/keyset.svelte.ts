// A list that is paged by a cursor towards the past: the newest, and older ones on request.
import type { Params } from './api/client';
import type { CursorPage } from './api/control.types';
import { PagedList } from './list.svelte';

export class Keyset<T> extends PagedList<T> {
  constructor(fetchPage: (params: Params, signal?: AbortSignal) => Promise<CursorPage<T>>) {
    super(async ({ cursor, ...params }, signal) => {
      const { items, next_before_cursor } = await fetchPage({ ...params, before_cursor: cursor }, signal);
      return { items, next_cursor: next_before_cursor ?? null };
    });
  }
}
