// Tabs, folding and resizing of panels, and the one-view-at-a-time layout of a phone.

import { $, $$, kept } from "../dom.js";
import { offer } from "../keys.js";

const trade = $(".trade");
const VIEWS = ["watch", "chart", "portfolio", "more"];
const SIZES = {
  rail: { property: "--rail-width", least: 180, most: 360, start: 240 },
  tabs: { property: "--tabs-height", least: 120, most: 640, start: 260 },
};
const STRIDE = 16;

const layout = { rail: "open", tabs: "open", tab: "positions", sizes: {}, ...kept.read("layout", {}) };

const keep = () => kept.write("layout", layout);

export function begin() {
  beginFolds();
  beginDrawer();
  beginSizes();
  beginTabs();
  beginViews();
}

// --- Folding -------------------------------------------------------------------------------------------

function beginFolds() {
  for (const button of $$("[data-fold]")) {
    const name = button.dataset.fold;
    const show = () => {
      trade.dataset[name] = layout[name];
      button.setAttribute("aria-expanded", String(layout[name] === "open"));
      button.title = `${layout[name] === "open" ? "Fold" : "Unfold"} the ${button.dataset.what}`;
    };
    const turn = () => {
      layout[name] = layout[name] === "open" ? "folded" : "open";
      keep();
      show();
    };
    button.addEventListener("click", turn);
    offer({ words: `Fold or unfold the ${button.dataset.what}`, run: turn });
    show();
  }
}

/** Bring the watchlist into sight, wherever it is: folded, in a drawer or a view of its own. */
export function showRail() {
  if (isNarrow()) show("watch");
  else if (isMiddling()) openDrawer();
  else if (layout.rail === "folded") $("[data-fold=rail]").click();
}

// --- The watchlist as a drawer, where there is no room for it beside the chart --------------------------

const opener = $("[data-drawer-open]");

function beginDrawer() {
  opener.addEventListener("click", () => ("drawer" in trade.dataset ? closeDrawer() : openDrawer()));
  $("#rail").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !("drawer" in trade.dataset)) return;
    event.preventDefault();
    closeDrawer();
    opener.focus();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#rail, [data-drawer-open], .dialog")) closeDrawer();
  });
}

function openDrawer() {
  trade.dataset.drawer = "";
  opener.setAttribute("aria-expanded", "true");
  $("#search").focus();
}

export function closeDrawer() {
  delete trade.dataset.drawer;
  opener.setAttribute("aria-expanded", "false");
}

// --- Resizing ------------------------------------------------------------------------------------------

function beginSizes() {
  for (const grip of $$("[data-resize]")) {
    const name = grip.dataset.resize;
    const { property, least, most, start } = SIZES[name];
    const isColumn = name === "rail";
    const set = (size) => {
      const fitting = Math.round(Math.min(most, Math.max(least, size)) / 4) * 4;
      layout.sizes[name] = fitting;
      trade.style.setProperty(property, `${fitting}px`);
      grip.setAttribute("aria-valuenow", String(fitting));
    };
    grip.setAttribute("aria-valuemin", String(least));
    grip.setAttribute("aria-valuemax", String(most));
    grip.setAttribute("aria-valuenow", String(start));
    // What nobody has resized is as the style sheet says, and grows with the text.
    const size = () => layout.sizes[name] ?? Math.round(isColumn ? $("#rail").offsetWidth : $("#tabs").offsetHeight);
    if (layout.sizes[name]) set(layout.sizes[name]);

    grip.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      grip.setPointerCapture(event.pointerId);
      const from = { size: size(), at: isColumn ? event.clientX : event.clientY };
      const move = (moved) =>
        set(from.size + (isColumn ? moved.clientX - from.at : from.at - moved.clientY));
      grip.addEventListener("pointermove", move);
      grip.addEventListener(
        "pointerup",
        () => {
          grip.removeEventListener("pointermove", move);
          keep();
        },
        { once: true },
      );
    });
    grip.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (!way) return;
      event.preventDefault();
      set(size() + way * STRIDE);
      keep();
    });
  }
}

// --- Tabs ----------------------------------------------------------------------------------------------

const nameOf = (tab) => tab.id.replace("tab-", "");

function beginTabs() {
  const tabs = $$("[role=tab]");
  const choose = (tab) => {
    for (const each of tabs) {
      const isChosen = each === tab;
      each.setAttribute("aria-selected", String(isChosen));
      each.tabIndex = isChosen ? 0 : -1;
      $(`#${each.getAttribute("aria-controls")}`).hidden = !isChosen;
    }
    layout.tab = nameOf(tab);
    if (layout.tabs === "folded") $("[data-fold=tabs]").click();
    keep();
  };
  for (const tab of tabs) {
    tab.addEventListener("click", () => choose(tab));
    offer({ words: `Show ${tab.firstChild.textContent.trim().toLowerCase()}`, run: () => choose(tab) });
  }
  $("[role=tablist]").addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(document.activeElement) + way + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
  const first = tabs.find((tab) => nameOf(tab) === layout.tab);
  if (first && layout.tabs === "open") choose(first);
}

// --- A phone's views -----------------------------------------------------------------------------------

function beginViews() {
  window.addEventListener("hashchange", showView);
  $("#side").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && "sheet" in trade.dataset) closeSheet();
  });
  // On the way down, so that a press that opens the sheet does not close it again on its way up.
  document.addEventListener("click", (event) => {
    const isBeside = trade.contains(event.target) && !event.target.closest("#side");
    if ("sheet" in trade.dataset && isBeside) closeSheet();
  }, { capture: true });
  for (const link of $$("[data-view-link]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault(); // this page has the views: stay on its symbol
      show(link.dataset.viewLink);
    });
  }
  showView();
}

/** Show a view; on a wide page they are all in sight, and this changes nothing. */
export function show(name) {
  history.replaceState(history.state, "", `${location.pathname}#${name}`);
  showView();
}

function showView() {
  const name = location.hash.slice(1) || "chart";
  if (name === "trade") {
    trade.dataset.sheet = "";
    trade.dataset.shown ??= "chart";
  } else {
    delete trade.dataset.sheet;
    trade.dataset.shown = VIEWS.includes(name) ? name : "chart";
  }
  for (const link of $$("[data-view-link]")) {
    if (link.dataset.viewLink === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function closeSheet() {
  show(trade.dataset.shown ?? "chart");
}

export const isNarrow = () => matchMedia("(max-width: 40em)").matches;

const isMiddling = () => matchMedia("(min-width: 40.01em) and (max-width: 56.25em)").matches;
