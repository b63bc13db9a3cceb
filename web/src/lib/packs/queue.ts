// A few questions at once: the server has many readers, and what is in view should not wait behind what is not.
export interface Job {
  /** Asked whenever there is room: lower goes first. */
  rank: () => number;
  run: () => Promise<void>;
}

export class Queue {
  #running = 0;
  #waiting: Job[] = [];
  #soon = false;

  constructor(private readonly most: number) {}

  add(job: Job): void {
    this.#waiting.push(job);
    if (this.#soon) return;
    // After all panels of a page have asked, not when the first of them does.
    this.#soon = true;
    setTimeout(() => {
      this.#soon = false;
      this.#next();
    });
  }

  drop(job: Job): void {
    this.#waiting = this.#waiting.filter((other) => other !== job);
  }

  #next(): void {
    while (this.#running < this.most && this.#waiting.length) {
      const job = this.#waiting.reduce((best, other) => (other.rank() < best.rank() ? other : best));
      this.drop(job);
      this.#running++;
      void job.run().finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }
}

export const panelQueue = new Queue(4);
