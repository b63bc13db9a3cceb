// Light or dark: the system's preference until the person chooses. public/theme.js did the same before the first paint.

export type Theme = 'light' | 'dark';

const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');
let current = $state<Theme>(root.dataset.theme === 'dark' ? 'dark' : 'light');

const apply = (theme: Theme) => {
  current = theme;
  root.dataset.theme = theme;
};

system.addEventListener('change', (event) => {
  if (!stored()) apply(event.matches ? 'dark' : 'light');
});

export const theme = {
  get current(): Theme {
    return current;
  },
  toggle() {
    apply(current === 'dark' ? 'light' : 'dark');
    try {
      localStorage.setItem('theme', current);
    } catch {
      // Not remembered then; the toggle still works for this visit.
    }
  },
};

function stored(): string | null {
  try {
    return localStorage.getItem('theme');
  } catch {
    return null;
  }
}
