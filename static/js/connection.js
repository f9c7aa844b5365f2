// One WebSocket that comes back by itself, after a wait that grows.

const RETRY_MS = 500;
const RETRY_MS_MAX = 15_000;
const LOOK_MS = 1_000;
const SIGNED_OUT_CODES = new Set([4401, 4403]);

/**
 * Keep a WebSocket open to `address()`, a path on our host.
 *
 * Called are `opened`, `received` (with a text or an ArrayBuffer), `lost` (it may answer false: then
 * that was the end) and `state` ("connecting", "waiting", "offline", "signed out"). Whoever hears
 * that all is well says so with `settle()`; `expect(ms)` sets how long silence may last.
 */
export function keepOpen({ address, opened = () => {}, received, lost = () => true, state }) {
  let socket = null;
  let attempts = 0;
  let timer = 0;
  let isOver = false;
  let isDoubted = false;
  let silenceMax = Infinity;
  let heardAt = 0;

  function open() {
    clearTimeout(timer);
    if (isOver || (socket && socket.readyState <= WebSocket.OPEN)) return;
    state("connecting");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const begun = new WebSocket(`${scheme}://${location.host}${address()}`);
    begun.binaryType = "arraybuffer";
    socket = begun;
    heardAt = Date.now();
    begun.addEventListener("open", () => opened());
    begun.addEventListener("message", ({ data }) => {
      heardAt = Date.now();
      if (socket === begun) received(data);
    });
    begun.addEventListener("close", ({ code }) => {
      if (socket === begun) end(code);
    });
  }

  function end(code) {
    socket = null;
    if (SIGNED_OUT_CODES.has(code)) {
      if (!isDoubted) {
        // Another tab may have proved a factor: the session that the browser has now is newer.
        isDoubted = true;
        open();
        return;
      }
      isOver = true;
      state("signed out");
      return;
    }
    if (!navigator.onLine) {
      state("offline"); // the `online` event goes on from here
      return;
    }
    if (lost() === false) {
      leave();
      return;
    }
    // Half of the wait is drawn by lot, so that a restart does not bring everybody back at once.
    const wait = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(attempts, 10));
    attempts += 1;
    state("waiting");
    timer = setTimeout(open, wait / 2 + (Math.random() * wait) / 2);
  }

  /** Let go of this connection at once: a dead one would take long to close. */
  function drop() {
    const left = socket;
    socket = null;
    left?.close();
    if (left) end(0);
  }

  function leave() {
    isOver = true;
    clearTimeout(timer);
    clearInterval(looks);
    socket?.close();
    socket = null;
  }

  const looks = setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - heardAt > silenceMax) drop();
  }, LOOK_MS);

  window.addEventListener("online", open);
  window.addEventListener("offline", () => socket?.close());
  window.addEventListener("pagehide", () => socket?.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  open();

  return {
    drop,
    leave,
    send(data) {
      if (socket?.readyState === WebSocket.OPEN) socket.send(data);
    },
    settle() {
      attempts = 0;
      isDoubted = false;
    },
    expect(ms) {
      silenceMax = ms;
    },
    retry() {
      attempts = 0;
      open();
    },
  };
}
