// "Now" as the server sees it: a laptop whose clock is wrong still shows new events at the right edge.
import { serverOffset } from './api/client';

export const now = (): number => Date.now() + serverOffset;
