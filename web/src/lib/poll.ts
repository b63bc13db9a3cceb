/** Calls `ask` at once and then `every` ms after each answer, only while the page can be seen. Returns the function that ends it. */
export function pollWhileVisible(every: () => number, ask: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let ended = false;
  let due = 0;

  const run = async () => {
    clearTimeout(timer);
    if (running || ended || document.hidden) return;
    running = true;
    await ask();
    running = false;
    due = Date.now() + every();
    schedule();
  };
  const schedule = () => {
    clearTimeout(timer);
    if (!ended && !document.hidden) timer = setTimeout(() => void run(), Math.max(0, due - Date.now()));
  };

  document.addEventListener('visibilitychange', schedule);
  void run();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', schedule);
  };
}
