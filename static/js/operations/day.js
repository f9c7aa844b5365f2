// The close of a day: puts the newer timeline in the place of the older one while it is looked at.

const EVERY_MS = 3000;

const day = document.getElementById("day");
const lost = document.getElementById("day-lost");

/** Tell whether a person is at something that would be lost: an open part, words, a selection. */
function isInUse() {
  return day.querySelector("details[open]") !== null || String(getSelection()) !== "";
}

/** Put the newer timeline in place; whoever stands on a link or a part stays there. */
function show(renewed) {
  const at = day.contains(document.activeElement) ? document.activeElement : null;
  const link = at?.getAttribute("href");
  const part = at?.closest("details")?.id;
  day.innerHTML = renewed;
  if (link) day.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
  if (part) document.getElementById(part)?.querySelector("summary").focus({ preventScroll: true });
}

async function renew() {
  if (document.hidden || isInUse()) return;
  try {
    const answer = await fetch(day.dataset.source, {
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
  setTimeout(goOn, EVERY_MS);
}

if (day) setTimeout(goOn, EVERY_MS);
