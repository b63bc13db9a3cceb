// The buckets of a range in the reader's own time zone, so that one without rows is seen as empty instead of left out.
const DAY_SECONDS = 86_400;
/** The server chooses buckets for a few hundred of them; this only bounds what a strange answer could ask for. */
const MOST = 5000;

/** Start of the bucket that holds `ms`: counted from the local midnight before it. */
export function floorTo(ms: number, seconds: number): number {
  const midnight = new Date(ms).setHours(0, 0, 0, 0);
  if (seconds >= DAY_SECONDS) return midnight;
  return midnight + Math.floor((ms - midnight) / (seconds * 1000)) * seconds * 1000;
}

/** A day has 23 or 25 hours now and then. */
export function next(ms: number, seconds: number): number {
  if (seconds < DAY_SECONDS) return ms + seconds * 1000;
  const date = new Date(ms);
  date.setDate(date.getDate() + Math.max(1, Math.round(seconds / DAY_SECONDS)));
  return date.getTime();
}

/** All buckets from `from` to `to`; those that the rows name are taken as they are, since the server drew them. */
export function slotsOf(from: number, to: number, seconds: number, named: Iterable<number>): number[] {
  const known = [...new Set(named)].sort((a, b) => a - b);
  if (seconds <= 0) return known;
  const near = (seconds * 1000) / 2;
  const slots: number[] = [...known];
  let at = 0;
  for (let slot = floorTo(from, seconds), count = 0; slot < to && count < MOST; slot = next(slot, seconds), count++) {
    while (at < known.length && known[at]! < slot - near) at++;
    if (at >= known.length || Math.abs(known[at]! - slot) > near) slots.push(slot);
  }
  return slots.sort((a, b) => a - b);
}
