// SPDX-License-Identifier: Apache-2.0
// The server's event stream of an environment. Not the browser's EventSource: that sends no Authorization header.
import { sessionKey } from './client';

export type StreamEvent = { type: string; data: string };

// Reads text/event-stream (HTML standard, section 9.2.6) as far as our server uses it: lines end with "\n".
export class EventParser {
  lastEventId = '';
  private rest = '';

  constructor(private readonly take: (event: StreamEvent) => void) {}

  feed(text: string) {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) this.dispatch(block);
  }

  // A connection ended: what was begun is dropped.
  restart() {
    this.rest = '';
  }

  private dispatch(block: string) {
    let type = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'id') this.lastEventId = value;
      if (field === 'event') type = value;
      if (field === 'data') data.push(value);
    }
    if (data.length > 0) this.take({ type, data: data.join('\n') });
  }
}

// One connection: resolves when it ends. False where asking again would be in vain.
export async function readStream(env: string, parser: EventParser, onOpen: () => void, signal: AbortSignal): Promise<boolean> {
  parser.restart();
  const headers = new Headers({ Accept: 'text/event-stream' });
  const key = sessionKey.get();
  if (key) headers.set('Authorization', `Bearer ${key}`);
  if (parser.lastEventId) headers.set('Last-Event-ID', parser.lastEventId);
  const answer = await globalThis.fetch(`/api/v1/environments/${encodeURIComponent(env)}/events`, { headers, signal, cache: 'no-store' });
  if (answer.status >= 400 && answer.status < 500) return false;
  if (!answer.ok || !answer.body) return true;
  onOpen();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return true;
    parser.feed(value);
  }
}
