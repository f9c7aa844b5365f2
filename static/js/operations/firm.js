// The firm-wide risk page: puts newer figures in the place of the older ones while it is looked at.

const EVERY_MS = 2000;

const figures = document.getElementById("firm");
const lost = document.getElementById("firm-lost");

/** Return where a link or a table is found again in newer figures; null when it is none of them. */
function placeOf(element) {
  if (!figures.contains(element)) return null;
  const table = `[aria-labelledby="${element.closest(".ops-wide").getAttribute("aria-labelledby")}"]`;
  return element.matches("a") ? `${table} a[href="${CSS.escape(element.getAttribute("href"))}"]` : table;
}

/** Put newer figures in place; whoever has scrolled a table, or stands on it or a link, stays there. */
function show(renewed) {
  const scrolled = Array.from(figures.querySelectorAll(".ops-wide"), (wide) => wide.scrollLeft);
  const place = placeOf(document.activeElement);
  figures.innerHTML = renewed;
  figures.querySelectorAll(".ops-wide").forEach((wide, index) => (wide.scrollLeft = scrolled[index] ?? 0));
  if (place) figures.querySelector(place)?.focus({ preventScroll: true });
}

async function renew() {
  if (document.hidden) return;
  try {
    const answer = await fetch(figures.dataset.source, {
      redirect: "error",
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`answered with ${answer.status}`);
    const renewed = await answer.text();
    if (String(getSelection()) === "") show(renewed); // a selection is being copied
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

async function goOn() {
  await renew();
  setTimeout(goOn, EVERY_MS);
}

setTimeout(goOn, EVERY_MS);
