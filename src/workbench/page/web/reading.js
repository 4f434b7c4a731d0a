// Which messages a person has seen. Kept for as long as the page is open; must not know how it is shown.

import { decode } from "./mrkdwn.js";

export class Reading {
  constructor() {
    this.last = new Map();
  }

  /** Notes what is there now; says what is new for the ear. The first sight of a channel counts as read. */
  take(me, seen, open) {
    const news = [];
    for (const channel of seen.channels) {
      const key = `${me}/${channel.id}`;
      const known = this.last.get(key);
      const newest = channel.messages.at(-1)?.ts ?? "0";
      if (known === undefined) this.last.set(key, { read: newest, told: newest });
      else {
        if (channel.id === open) news.push(...since(channel, known.told, me));
        known.told = newest;
      }
    }
    return news.slice(-3);
  }

  read(me, channel) {
    const known = channel && this.last.get(`${me}/${channel.id}`);
    if (known) known.read = channel.messages.at(-1)?.ts ?? known.read;
  }

  unread(me, channel) {
    const known = this.last.get(`${me}/${channel.id}`);
    return known ? channel.messages.filter((m) => m.ts > known.read && m.user !== me).length : 0;
  }

  all(me, seen) {
    return seen.channels.reduce((sum, channel) => sum + this.unread(me, channel), 0);
  }
}

function since(channel, ts, me) {
  return channel.messages.filter((m) => m.ts > ts && m.user !== me).map((m) => `${m.name}: ${decode(m.text ?? "").slice(0, 200)}`);
}
