// The firm-wide risk page: puts newer figures in the place of the older ones while it is looked at.

const EVERY_MS = 2000;

const figures = document.getElementById("firm");
const lost = document.getElementById("firm-lost");

/** Put newer figures in place; whoever has scrolled a table or stands on a link stays there. */
function show(renewed) {
  const scrolled = Array.from(figures.querySelectorAll(".ops-wide"), (wide) => wide.scrollLeft);
  const link = figures.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  figures.innerHTML = renewed;
  figures.querySelectorAll(".ops-wide").forEach((wide, place) => (wide.scrollLeft = scrolled[place] ?? 0));
  if (link) figures.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
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
