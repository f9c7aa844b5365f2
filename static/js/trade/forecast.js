// What the server says that the draft would do: asked while one types, never reckoned here.

import * as http from "../http.js";

const PAUSE_MS = 200; // after the last key
const AGAIN_MS = 3000; // while nothing is typed and prices move

let body = null; // the order that is asked about
let key = "";
let found = null; // { key, answer } or { key, error }, of the latest that was told
let flight = null; // { key, end, done } of what is asked now
let timer = 0;
let askedAt = 0;
let tell = () => {};

/** `news` is called with every answer to what is still wanted. */
export function begin(news) {
  tell = news;
}

/** Ask about this order from now on, null: about none. Return what is known of exactly it, or null. */
export function of(wanted) {
  const next = wanted ? JSON.stringify(wanted) : "";
  if (next !== key) {
    [body, key] = [wanted, next];
    flight?.end.abort();
    clearTimeout(timer);
    if (key) timer = setTimeout(ask, PAUSE_MS);
  }
  return found?.key === key ? found : null;
}

/** Return the latest answer, of whatever it was: to be shown greyed until there is a newer one. */
export const latest = () => found?.answer ?? null;

/** The market or the account has moved: ask again, not too often. */
export function renew() {
  if (!key || flight || document.hidden || performance.now() - askedAt < AGAIN_MS) return;
  ask();
}

/** Return what is known of the order once it is: at the latest when the call times out. */
export async function settled() {
  clearTimeout(timer);
  const wanted = key;
  if (found?.key !== wanted || found.error) await (flight?.key === wanted ? flight.done : ask());
  return found?.key === wanted && key === wanted ? found : null;
}

function ask() {
  clearTimeout(timer);
  askedAt = performance.now();
  flight = { key, end: new AbortController() };
  flight.done = carry(flight, body);
  return flight.done;
}

async function carry(mine, asked) {
  try {
    const { signal } = mine.end;
    const answer = await http.call("/api/v1/orders/estimate", { method: "POST", body: asked, signal });
    found = { key: mine.key, answer };
  } catch (error) {
    if (mine.end.signal.aborted) return;
    if (!(error instanceof http.ApiError)) throw error;
    found = { key: mine.key, error };
  } finally {
    if (flight === mine) flight = null;
  }
  if (mine.key === key) tell();
}
