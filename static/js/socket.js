// The one live connection of a page: it reconnects by itself, and never loses or repeats an event.

const RETRY_MS = 500;
const RETRY_MS_MAX = 15_000;
const SIGNED_OUT_CODES = new Set([4401, 4403]);
const SYMBOLS_MAX = 500;

/**
 * Keep a socket to /ws/v1 open.
 *
 * `since` is the last account event that the page knows already. `handlers` are called with
 * quotes (an array), activity (an array of events, each exactly once, in order), portfolio (what
 * changed of the account's worth since the last of them, or all of it where `since` is null) and
 * state ("connecting", "live", "waiting", "offline", "signed out").
 */
export function connect({ since, handlers }) {
  let socket = null;
  let attempts = 0;
  let timer = 0;
  let lastSequence = since;
  let seen = null; // how far we have come with the account's worth: { stream, sequence }
  let isOver = false;
  const symbols = new Set();

  function say(message) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function open() {
    clearTimeout(timer);
    if (isOver || (socket && socket.readyState <= WebSocket.OPEN)) return;
    handlers.state("connecting");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const from = seen ? `?portfolio=${seen.stream}:${seen.sequence}` : "";
    const opened = new WebSocket(`${scheme}://${location.host}/ws/v1${from}`);
    socket = opened;
    opened.addEventListener("open", () => {
      if (symbols.size) say({ action: "subscribe", symbols: [...symbols] });
    });
    opened.addEventListener("message", (event) => receive(JSON.parse(event.data)));
    opened.addEventListener("close", (event) => {
      if (socket === opened) lost(event);
    });
  }

  function lost(event) {
    socket = null;
    if (SIGNED_OUT_CODES.has(event.code)) {
      isOver = true;
      handlers.state("signed out");
      return;
    }
    if (!navigator.onLine) {
      handlers.state("offline"); // the `online` event goes on from here
      return;
    }
    // Half of the wait is drawn by lot, so that a restart does not bring everybody back at once.
    const wait = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(attempts, 10));
    attempts += 1;
    handlers.state("waiting");
    timer = setTimeout(open, wait / 2 + (Math.random() * wait) / 2);
  }

  function receive(message) {
    switch (message.type) {
      case "hello":
        attempts = 0;
        handlers.state("live");
        // Ask for everything after what we know, even if that is nothing: an event may have
        // happened between the making of the page and this moment.
        if (lastSequence === null) lastSequence = message.sequence;
        say({ action: "resume", since: lastSequence });
        break;
      case "quotes":
        handlers.quotes(message.quotes);
        break;
      case "activity":
        take(message.events);
        break;
      case "portfolio":
        takeWorth(message);
        break;
    }
  }

  function take(events) {
    const news = [];
    for (const event of events) {
      if (event.sequence <= lastSequence) continue; // sent again after a resume
      if (event.sequence > lastSequence + 1) {
        say({ action: "resume", since: lastSequence }); // a hole: ask for it, take nothing past it
        break;
      }
      lastSequence = event.sequence;
      news.push(event);
    }
    if (news.length) handlers.activity(news);
  }

  /** A difference follows what we have seen, or something before it; else we ask from there. */
  function takeWorth(message) {
    const { stream, since: after, sequence } = message;
    const isOurs = seen?.stream === stream;
    if (after !== null && !(isOurs && after <= seen.sequence)) {
      say({ action: "portfolio", ...(seen && { stream: seen.stream, since: seen.sequence }) });
      return;
    }
    if (isOurs && after !== null && sequence <= seen.sequence) return; // sent again after a question
    seen = { stream, sequence };
    handlers.portfolio(message);
  }

  window.addEventListener("online", open);
  window.addEventListener("offline", () => socket?.close());
  window.addEventListener("pagehide", () => socket?.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  open();

  return {
    subscribe(names) {
      const added = names.filter((name) => !symbols.has(name)).slice(0, SYMBOLS_MAX - symbols.size);
      for (const name of added) symbols.add(name);
      if (added.length) say({ action: "subscribe", symbols: added });
    },
    unsubscribe(names) {
      const gone = names.filter((name) => symbols.delete(name));
      if (gone.length) say({ action: "unsubscribe", symbols: gone });
    },
    retry() {
      attempts = 0;
      open();
    },
  };
}
