// The tokens of app.css as the canvas needs them: values, in the theme in force.
import { CLASSES } from '../model/classes';

export interface Palette {
  classes: string[];
  text: string;
  muted: string;
  grid: string;
  bar: string;
  accent: string;
  surface: string;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    classes: CLASSES.map((name) => token(`--class-${name}`)),
    text: token('--text'),
    muted: token('--text-muted'),
    grid: token('--grid'),
    bar: token('--bar'),
    accent: token('--accent'),
    surface: token('--surface'),
  };
}
