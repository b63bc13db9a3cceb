// Files of the API. A plain link streams to the disk, but takes no header along: in another tenant the file is fetched first.
import { fetchResponse } from './api/client';

export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

export async function fetchFile(path: string, fallback: string): Promise<void> {
  const response = await fetchResponse(path);
  const given = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  saveBlob(await response.blob(), given ?? fallback);
}
