// A part of a page that renews itself while it is looked at: the newer one takes its place.

const part = document.querySelector("[data-source]");
const lost = document.querySelector(".ops-lost");
const everyMs = Number(part?.dataset.everyMs ?? 3000);

/** Tell whether a person is at something that would be lost: an open fold, a selection. */
function isInUse() {
  return part.querySelector("details[open]") !== null || String(getSelection()) !== "";
}

/** Return where a link, a table or a fold is found again in the newer part; null for none of them. */
function placeOf(element) {
  if (!part.contains(element)) return null;
  const table = element.closest(".ops-wide")?.getAttribute("aria-labelledby");
  const within = table ? `[aria-labelledby="${table}"]` : "";
  const link = element.getAttribute("href");
  if (link) return `${within} a[href="${CSS.escape(link)}"]`;
  const fold = element.closest("details")?.id;
  if (fold) return `#${CSS.escape(fold)} > summary`;
  return element.id ? `#${CSS.escape(element.id)}` : within || null;
}

/** Put the newer one in place; whoever has scrolled a table, or stands on something, stays there. */
function show(renewed) {
  const scrolled = Array.from(part.querySelectorAll(".ops-wide"), (wide) => wide.scrollLeft);
  const place = placeOf(document.activeElement);
  part.innerHTML = renewed;
  part.querySelectorAll(".ops-wide").forEach((wide, index) => (wide.scrollLeft = scrolled[index] ?? 0));
  if (place) part.querySelector(place)?.focus({ preventScroll: true });
}

async function renew() {
  if (document.hidden || isInUse()) return;
  try {
    const answer = await fetch(part.dataset.source, {
      redirect: "error",
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`answered with ${answer.status}`);
    const renewed = await answer.text();
    if (!isInUse()) show(renewed); // it may have been opened meanwhile
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

async function goOn() {
  await renew();
  setTimeout(goOn, everyMs);
}

if (part) setTimeout(goOn, everyMs);
