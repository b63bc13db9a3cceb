// The SQL editor: CodeMirror with ClickHouse's dialect. It lives in a shadow root, because there its style sheets are constructed ones,
// which the policy `style-src 'self'` lets through; in the document itself it would write <style> elements.
import { acceptCompletion, autocompletion, closeBrackets, closeCompletion, closeBracketsKeymap, completionKeymap, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { SQLDialect, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorState, StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, keymap, lineNumbers, placeholder, type DecorationSet } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { KEYWORDS, tablesIn, type Schema } from '../../lib/sql/schema';

export interface Editor {
  text(): string;
  set(text: string): void;
  mark(from: number | null, to: number | null): void;
  focus(): void;
  destroy(): void;
}

interface Given {
  text: string;
  schema: () => Schema;
  run: () => void;
  changed: (text: string) => void;
}

const clickhouse = SQLDialect.define({
  keywords: KEYWORDS.join(' ').toLowerCase(),
  types: 'uint8 uint16 uint32 uint64 int8 int16 int32 int64 float32 float64 decimal string fixedstring uuid date date32 datetime datetime64 enum8 enum16 array map tuple nullable lowcardinality bool',
  identifierQuotes: '`"',
  backslashEscapes: true,
  hashComments: true,
  slashComments: false,
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ok)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: tags.typeName, color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--text-muted)', fontStyle: 'italic' },
]);

const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: 'var(--t-base)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px' },
  '.cm-content': { caretColor: 'var(--text)', padding: '8px 0' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--text-muted)', border: '0', borderRight: '1px solid var(--border)' },
  '.cm-placeholder': { color: 'var(--text-muted)' },
  '.cm-fault': { textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '3px', backgroundColor: 'var(--bad-surface)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--active)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--border-strong)', borderRadius: '4px', boxShadow: 'var(--shadow)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: 'var(--t-small)', maxHeight: '240px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '2px 8px', lineHeight: '20px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--active)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--text-muted)', fontStyle: 'normal', marginLeft: '12px' },
});

const setFault = StateEffect.define<{ from: number; to: number } | null>();
const fault = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, change) {
    // What is being mended is no longer what failed.
    let next = change.docChanged ? Decoration.none : marks;
    for (const effect of change.effects) {
      if (effect.is(setFault)) next = effect.value ? Decoration.set([Decoration.mark({ class: 'cm-fault' }).range(effect.value.from, effect.value.to)]) : Decoration.none;
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function mount(host: HTMLElement, given: Given): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const run = (view: EditorView) => {
    closeCompletion(view);
    given.run();
    return true;
  };
  const view: EditorView = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: given.text,
      extensions: [
        lineNumbers(),
        history(),
        bracketMatching(),
        closeBrackets(),
        sql({ dialect: clickhouse }),
        syntaxHighlighting(colours),
        autocompletion({ override: [(context) => complete(context, given.schema())], icons: false }),
        // Tab leaves the editor, unless it takes a completion: the keyboard must not be caught here.
        keymap.of([{ key: 'Mod-Enter', run }, { key: 'Tab', run: acceptCompletion }, ...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        placeholder('SELECT … FROM events'),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': 'SQL query', spellcheck: 'false', autocapitalize: 'off' }),
        EditorView.updateListener.of((update) => update.docChanged && given.changed(update.state.doc.toString())),
        fault,
        theme,
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    mark(from, to) {
      const length = view.state.doc.length;
      const marked = from !== null && to !== null && from < to && to <= length ? { from, to } : null;
      view.dispatch({ effects: [setFault.of(marked), ...(marked ? [EditorView.scrollIntoView(marked.from)] : [])] });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

const KEYWORD_OPTIONS: Completion[] = KEYWORDS.map((label) => ({ label, type: 'keyword', boost: 1 }));

function complete(context: CompletionContext, schema: Schema): CompletionResult | null {
  const word = context.matchBefore(/[\w.]*/);
  if (!word || (word.from === word.to && !context.explicit)) return null;
  // Within a string or after `--` there is nothing to complete.
  const line = context.state.doc.lineAt(context.pos).text.slice(0, context.pos - context.state.doc.lineAt(context.pos).from);
  if (line.includes('--') || (line.match(/'/g)?.length ?? 0) % 2 === 1) return null;
  const named = tablesIn(context.state.doc.toString(), schema);
  const dot = word.text.lastIndexOf('.');
  if (dot >= 0) {
    const before = word.text.slice(0, dot);
    const from = word.from + dot + 1;
    if (before === 'pub') return { from, options: tableOptions(schema), validFor: /^\w*$/ };
    const table = named.get(before) ?? (schema.tables.has(before) ? before : undefined);
    return table ? { from, options: columnOptions(schema, table, 3), validFor: /^\w*$/ } : null;
  }
  const tables = new Set(named.values());
  const columns = (tables.size ? [...tables] : [...schema.tables.keys()]).flatMap((table) => columnOptions(schema, table, tables.size ? 3 : 0));
  const seen = new Set<string>();
  const unique = columns.filter(({ label }) => !seen.has(label) && seen.add(label));
  const afterFrom = /\b(?:from|join)\s+\w*$/i.test(line);
  const options = afterFrom ? tableOptions(schema) : [...unique, ...tableOptions(schema), ...KEYWORD_OPTIONS, ...functionOptions(schema)];
  return { from: word.from, options, validFor: /^\w*$/ };
}

const tableOptions = (schema: Schema): Completion[] => [...schema.tables].map(([label, columns]) => ({ label, type: 'class', detail: `table, ${columns.length} columns`, boost: 2 }));

const columnOptions = (schema: Schema, table: string, boost: number): Completion[] =>
  (schema.tables.get(table) ?? []).map(({ name, type }) => ({ label: name, type: 'property', detail: type.length > 32 ? `${type.slice(0, 31)}…` : type, boost }));

const functions = new WeakMap<Schema, Completion[]>();
function functionOptions(schema: Schema): Completion[] {
  const known = functions.get(schema);
  if (known) return known;
  const made = schema.functions.map(({ name, aggregate }): Completion => ({
    label: name,
    type: 'function',
    detail: aggregate ? 'aggregate' : 'function',
    boost: -1,
    apply: (view, _completion, from, to) => view.dispatch({ changes: { from, to, insert: `${name}()` }, selection: { anchor: from + name.length + 1 } }),
  }));
  functions.set(schema, made);
  return made;
}
