import type { Cell } from '../api/packs';

export type Status = 'ok' | 'warn' | 'bad' | 'unknown';

export const STATUS_WORDS: Record<Status, string> = { ok: 'OK', warn: 'Warning', bad: 'Bad', unknown: 'Unknown' };

export const asStatus = (cell: Cell | undefined): Status => (cell === 'ok' || cell === 'warn' || cell === 'bad' ? cell : 'unknown');
