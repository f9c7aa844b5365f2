// Keys and commands: one list, from which the help, the palette and the key presses are served.

import { $, make, put } from "./dom.js";

const commands = [];

/**
 * Offer a command. `keys` is shown in the list of keys and, when a single key, runs it; `words`
 * is what the palette says. A command with `find(text)` gives further entries as one types.
 */
export function offer(command) {
  commands.push(command);
}

const isTyping = (target) =>
  target.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName);

function onKey(event) {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isInDialog = Boolean($("dialog[open]"));
  if (isInDialog || (isTyping(event.target) && event.key !== "Escape")) return;
  const command = commands.find(({ keys, run }) => run && keys === event.key);
  if (!command) return;
  event.preventDefault();
  command.run();
}

// --- The palette -------------------------------------------------------------------------------

const ENTRIES_MAX = 12;

function openPalette() {
  const dialog = $("#palette");
  if (!dialog || dialog.open) return;
  const input = $("input", dialog);
  const list = $("[role=listbox]", dialog);
  let entries = [];
  let chosen = 0;

  function show() {
    const text = input.value.trim().toLowerCase();
    entries = matching(text).slice(0, ENTRIES_MAX);
    chosen = 0;
    list.replaceChildren(
      ...entries.map((entry, index) =>
        make(
          "li",
          { role: "option", id: `palette-${index}`, onclick: () => run(entry) },
          make("span", {}, entry.words),
          entry.keys ? make("kbd", {}, entry.keys) : null,
        ),
      ),
    );
    if (!entries.length) list.append(make("li", { class: "quiet" }, "Nothing is called that."));
    mark();
  }

  function mark() {
    [...list.children].forEach((item, index) =>
      item.setAttribute("aria-selected", String(index === chosen)),
    );
    if (entries.length) input.setAttribute("aria-activedescendant", `palette-${chosen}`);
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  }

  function run(entry) {
    dialog.close();
    entry.run();
  }

  input.value = "";
  input.oninput = show;
  input.onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && entries.length) {
      event.preventDefault();
      chosen = (chosen + step + entries.length) % entries.length;
      mark();
    } else if (event.key === "Enter" && entries[chosen]) {
      event.preventDefault();
      run(entries[chosen]);
    }
  };
  show();
  dialog.showModal();
}

/** Return what can be run under `text`: what begins with it before what contains it. */
function matching(text) {
  const found = commands.flatMap(({ find }) => (find && text ? find(text) : []));
  const plain = commands.filter(({ run, words }) => run && words.toLowerCase().includes(text));
  const begins = ({ words }) => words.toLowerCase().startsWith(text);
  const all = [...plain, ...found];
  return [...all.filter(begins), ...all.filter((entry) => !begins(entry))];
}

// --- The list of keys ----------------------------------------------------------------------------

function openKeys() {
  const dialog = $("#keys");
  if (!dialog || dialog.open) return;
  const rows = [{ keys: "Ctrl+K", words: "Find a command" }, ...commands.filter(({ keys }) => keys)];
  $("dl", dialog).replaceChildren(
    ...rows.flatMap(({ keys, words }) => [
      make("dt", {}, make("kbd", {}, keys)),
      make("dd", {}, words),
    ]),
  );
  dialog.showModal();
}

const go = (address) => () => location.assign(address);

export function begin() {
  document.addEventListener("keydown", onKey);
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close(); // on the scrim
    });
  }
  $("[data-keys]")?.addEventListener("click", openKeys);
  offer({ keys: "?", words: "Show the keys", run: openKeys });
  offer({ words: "Go to trading", run: go("/") });
  offer({ words: "Go to orders", run: go("/orders") });
  offer({ words: "Go to the activity", run: go("/activity") });
  offer({ words: "Go to the account", run: go("/account") });
  for (const theme of ["light", "dark", "system"]) {
    offer({
      words: theme === "system" ? "Theme of the system" : `Theme: ${theme}`,
      run: () => choose("theme", theme),
    });
  }
}

/** Keep a choice of appearance and apply it: `theme` or `colours`. */
export function choose(name, word) {
  document.documentElement.dataset[name] = word;
  try {
    localStorage.setItem(`openfloor.${name}`, word);
  } catch {
    // Storage is refused: the choice holds for this page.
  }
  document.dispatchEvent(new CustomEvent("appearance"));
}

/** Say something to those who listen to the page rather than look at it. */
export function announce(text) {
  const region = $("#announcer");
  if (region) put(region, text);
}
