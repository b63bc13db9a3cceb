// Labels of the time axis: local time, 24 hours, with just the precision that the distance between two ticks needs.
import { formatClock, formatDay, formatMinute } from '../format';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Tick distances in ms that read well. */
export const TICK_STEPS = [
  10, 20, 50, 100, 200, 500,
  SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND,
  MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  60 * MINUTE, 120 * MINUTE, 180 * MINUTE, 240 * MINUTE, 360 * MINUTE, 720 * MINUTE,
  DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY,
];

export function tickLabels(ticks: number[], step: number): string[] {
  return ticks.map((ms, index) => {
    const date = new Date(ms);
    const midnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
    if (step >= DAY || midnight) return formatDay(date);
    if (step >= MINUTE) return formatMinute(date);
    if (step >= SECOND) return formatClock(date);
    // Within one second only the fraction changes; the first tick and each whole second say which second it is.
    const millis = String(date.getMilliseconds()).padStart(3, '0');
    return index === 0 || millis === '000' ? `${formatClock(date)}.${millis}` : `.${millis}`;
  });
}
