// A part of a page that renews itself while it is looked at: the newer one takes its place.

const EVERY_MS = 3000;

const part = document.querySelector("[data-source]");
const lost = document.querySelector(".ops-lost");

/** Tell whether a person is at something that would be lost: an open part, words, a selection. */
function isInUse() {
  return part.querySelector("details[open]") !== null || String(getSelection()) !== "";
}

/** Put the newer one in place; whoever stands on a link, a button or a fold stays there. */
function show(renewed) {
  const at = part.contains(document.activeElement) ? document.activeElement : null;
  const link = at?.getAttribute("href");
  const fold = at?.closest("details")?.id;
  part.innerHTML = renewed;
  if (link) part.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
  else if (fold) document.getElementById(fold)?.querySelector("summary").focus({ preventScroll: true });
  else if (at?.id) document.getElementById(at.id)?.focus({ preventScroll: true });
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
  setTimeout(goOn, EVERY_MS);
}

if (part) setTimeout(goOn, EVERY_MS);
