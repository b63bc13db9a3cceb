// The closed set of event classes, in lane order (top first). Colours live in app.css as --class-<name>.

export const CLASSES = [
  'error',
  'llm',
  'tool',
  'session',
  'code',
  'build',
  'deploy',
  'work',
  'app',
  'ingest',
  'query',
  'auth',
  'audit',
] as const;

export type EventClass = (typeof CLASSES)[number];

const INDEX = new Map<string, number>(CLASSES.map((name, index) => [name, index]));

/** A class this build has never heard of is shown among the app's events rather than dropped. */
export const classIndex = (name: string): number => INDEX.get(name) ?? INDEX.get('app')!;

export const isClass = (name: string): name is EventClass => INDEX.has(name);
export const ERROR_INDEX = classIndex('error');
