// A canvas that fills its element and is drawn anew when it must: called at most once a frame.
export interface Surface {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
  ratio: number;
}

export class CanvasHost {
  readonly #canvas: HTMLCanvasElement;
  readonly #observer: ResizeObserver;
  #frame = 0;

  constructor(
    readonly host: HTMLElement,
    private readonly draw: (surface: Surface) => void,
  ) {
    this.#canvas = host.querySelector('canvas')!;
    this.#observer = new ResizeObserver(() => this.invalidate());
    this.#observer.observe(host);
    this.invalidate();
  }

  invalidate = (): void => {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  };

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
  }

  #paint(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width === 0 || height === 0) return;
    const ratio = devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const context = this.#canvas.getContext('2d')!;
    context.scale(ratio, ratio);
    this.draw({ context, width, height, ratio });
  }
}

/** Where an event of the mouse lies in the element. */
export function placeOf(event: MouseEvent, element: HTMLElement): { x: number; y: number } {
  const box = element.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
