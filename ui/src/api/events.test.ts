// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { EventParser, type StreamEvent } from './events';

const STREAM = 'retry: 2500\n\n:\n\nid: 1\nevent: node\ndata: {"a":1}\n\nevent: change\ndata: one\n\nid: 2\nevent: change\ndata: two\n\n';

describe('the event parser', () => {
  test('reads events in pieces of any size', () => {
    for (let size = 1; size <= STREAM.length; ++size) {
      const events: StreamEvent[] = [];
      const parser = new EventParser((event) => events.push(event));
      for (let at = 0; at < STREAM.length; at += size) parser.feed(STREAM.slice(at, at + size));
      expect(events).toEqual([
        { type: 'node', data: '{"a":1}' },
        { type: 'change', data: 'one' },
        { type: 'change', data: 'two' },
      ]);
      expect(parser.lastEventId).toBe('2');
    }
  });

  test('drops what a cut connection began, and keeps its place', () => {
    const events: StreamEvent[] = [];
    const parser = new EventParser((event) => events.push(event));
    parser.feed('id: 7\ndata: whole\n\nid: 8\ndata: ha');
    parser.restart();
    parser.feed('data: next\n\n');
    expect(events.map((event) => event.data)).toEqual(['whole', 'next']);
    expect(parser.lastEventId).toBe('7');
  });
});
