// The account's API keys: what there is, a new one on its terms, another secret, revoking.

import { $, $$, cell, keepRows, make, put } from "../dom.js";
import * as http from "../http.js";
import { announce } from "../keys.js";
import * as money from "../money.js";
import * as time from "../time.js";

const DAY_MS = 86_400_000;
const DRAFT = "key-draft"; // kept while a second factor is asked for, on another page

// What is done to a key, and what a second press on its button does.
const ACTS = {
  rotate: { words: "New secret…", sure: "Give it a new secret: the one of now works for another day" },
  revoke: { words: "Revoke…", sure: "Revoke for ever: its programs stop" },
};

const rows = $("#key-rows");
const form = $("#key-form");

async function load() {
  try {
    show(await http.get("/api/v1/keys"));
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put($("#keys-empty"), `The keys could not be loaded. ${error.message} Reload the page.`);
  }
}

function show(keys) {
  keepRows(rows, keys, ({ key_id: id }) => id, build, fill);
  rows.closest("table").hidden = keys.length === 0;
  $("#keys-empty").hidden = keys.length > 0;
  put($("#keys-empty"), "No key yet. Create one to trade by program.");
}

function build(key) {
  const created = make("time");
  time.show(created, key.created_at);
  return make(
    "tr",
    {},
    cell("symbol", {}, make("code", {}, key.key_id)),
    cell("name", {}, key.name || money.NONE),
    cell("terms", {}, terms(key)),
    cell("time", {}, created),
    cell("used"),
    cell("state"),
    cell("acts", { class: "number acts" }, ...Object.entries(ACTS).map(actButton)),
  );
}

const actButton = ([act, { words }]) =>
  make("button", { type: "button", class: "link", "data-act": act }, words);

function terms({ scopes, networks }) {
  const may = scopes.includes("trade") ? "read and trade" : "read";
  return networks.length ? `${may}, from ${networks.join(", ")}` : may;
}

function fill(row, key) {
  const isOver = isEnded(key);
  const [, , , , used, state, acts] = row.children;
  put(used, key.last_used_at ? `${time.short(key.last_used_at)} from ${key.last_used_from ?? "–"}` : "never");
  put(state, standing(key));
  row.classList.toggle("quiet", isOver);
  $("[data-act=rotate]", acts).hidden = isOver;
  $("[data-act=revoke]", acts).hidden = Boolean(key.revoked_at);
}

const isEnded = (key) => Boolean(key.revoked_at) || (key.expires_at !== null && Date.parse(key.expires_at) <= Date.now());

function standing(key) {
  if (key.revoked_at) return `Revoked ${time.short(key.revoked_at)}`;
  if (isEnded(key)) return `Ended ${time.short(key.expires_at)}`;
  const works = key.expires_at ? `Works until ${time.short(key.expires_at)}` : "Works";
  const isBoth = key.rotated_until !== null && Date.parse(key.rotated_until) > Date.now();
  return isBoth ? `${works}, with the secret of before until ${time.short(key.rotated_until)}` : works;
}

/** Neither can be undone: the first press says what it does, the second does it. */
rows.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { act } = button.dataset;
  const id = button.closest("tr").dataset.key;
  if (button.dataset.sure !== "yes") {
    button.dataset.sure = "yes";
    put(button, ACTS[act].sure);
    button.addEventListener("blur", () => {
      delete button.dataset.sure;
      put(button, ACTS[act].words);
    }, { once: true });
    return;
  }
  put($("#key-error"), "");
  try {
    if (act === "rotate") {
      reveal(await http.post(`/api/v1/keys/${id}/rotate`, {}));
    } else {
      await http.remove(`/api/v1/keys/${id}`);
      announce("The key is revoked.");
    }
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put($("#key-error"), `Not done. ${error.message}`);
  }
  await load();
  (act === "rotate" ? $("#secret") : $("#key-name")).focus();
});

/** Show the secret of a key, this once. */
function reveal(key) {
  put($("#secret-key"), key.key_id);
  put($("#secret-secret"), key.secret_key);
  $("#secret").hidden = false;
}

function asked() {
  const { name, scope, days, networks } = form.elements;
  return {
    name: name.value,
    scopes: scope.value === "trade" ? ["read", "trade"] : ["read"],
    networks: networks.value.split(/[\s,]+/).filter(Boolean),
    expires_at: days.value ? new Date(Date.now() + Number(days.value) * DAY_MS).toISOString() : null,
  };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = $("button", form);
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  put($("#key-error"), "");
  sessionStorage.setItem(DRAFT, JSON.stringify([...new FormData(form)]));
  try {
    const key = await http.post("/api/v1/keys", asked());
    reveal(key);
    form.reset();
    sessionStorage.removeItem(DRAFT);
    $("#secret").focus();
    await load();
  } catch (error) {
    if (!(error instanceof http.ApiError)) throw error;
    put($("#key-error"), error.message);
  } finally {
    button.setAttribute("aria-disabled", "false");
  }
});

/** Put back what was typed before a second factor was asked for. */
function restore() {
  for (const [name, value] of JSON.parse(sessionStorage.getItem(DRAFT) ?? "[]")) form.elements[name].value = value;
  sessionStorage.removeItem(DRAFT);
}

$("#secret-done").addEventListener("click", () => {
  $("#secret").hidden = true;
  put($("#secret-secret"), "");
  $("#key-name").focus();
});

for (const button of $$("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      put(button, "Copied");
    } catch {
      // The clipboard is closed to pages that are not on HTTPS: select, so that Ctrl+C does it.
      getSelection().selectAllChildren(source);
      put(button, "Press Ctrl+C");
    }
  });
}
restore();
load();
