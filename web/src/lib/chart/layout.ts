// Where things are on the chart: pure arithmetic from the plot's box, shared by painting and hit-testing so they cannot disagree.
import { CLASSES } from '../model/classes';

/** The plotting area in CSS pixels, relative to the chart element. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Lane {
  index: number;
  top: number;
  height: number;
}

export interface Layout {
  box: Box;
  /** The histogram strip. */
  strip: { top: number; height: number };
  lanes: Lane[];
  /** By class index; undefined where the class has no lane. */
  laneOf: (Lane | undefined)[];
  /** Few dots are large; thousands are small and more transparent, so that density stays legible. */
  dot: { radius: number; alpha: number };
}

const STRIP = 40;
const GAP = 12;
const MAX_LANE = 96;
const DENSE = 8000;
const SPARSE = 400;

/** Busier lanes are taller, in steps of a power of ten, so that a lane does not breathe with every event. */
const weight = (count: number): number => (count < 1000 ? 1 : count < 10_000 ? 1.75 : 2.5);

/** Only classes that occur and are not hidden get a lane: height goes to what there is to see. */
export function layOut(box: Box, counts: number[], hidden: boolean[]): Layout {
  const shown = CLASSES.map((_, index) => index).filter((index) => counts[index]! > 0 && !hidden[index]);
  const room = box.height - STRIP - GAP;
  const units = shown.reduce((sum, index) => sum + weight(counts[index]!), 0);
  const unit = Math.min(MAX_LANE, room / Math.max(1, units));
  // Few lanes are centred rather than stretched or glued to the top.
  let top = box.top + STRIP + GAP + (room - unit * units) / 2;
  const lanes = shown.map((index) => {
    const lane = { index, top, height: unit * weight(counts[index]!) };
    top += lane.height;
    return lane;
  });
  const laneOf = new Array<Lane | undefined>(CLASSES.length).fill(undefined);
  for (const lane of lanes) laneOf[lane.index] = lane;
  const total = shown.reduce((sum, index) => sum + counts[index]!, 0);
  return { box, strip: { top: box.top, height: STRIP }, lanes, laneOf, dot: dotStyle(total, unit) };
}

function dotStyle(total: number, unit: number): Layout['dot'] {
  if (total > DENSE) return { radius: 2.25, alpha: 0.6 };
  if (total > SPARSE || unit < 24) return { radius: unit < 20 ? 2.5 : 3, alpha: 0.78 };
  return { radius: 4, alpha: 0.85 };
}

/** Dots keep off the lane's borders, so that lanes stay apart without lines. */
export const dotY = (lane: Lane, jitter: number): number => lane.top + lane.height * (0.14 + 0.72 * jitter);
