// Times in the reader's own zone; the zone itself is in the tooltip.

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const SECONDS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** Return today's times as a clock time, older ones with their day. */
export function short(at) {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return "\u2013";
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? CLOCK.format(moment) : `${DAY.format(moment)} ${CLOCK.format(moment)}`;
}

/** Return the time of day to the second, in 24 hours: where many stand below each other. */
export const clock = (at) => SECONDS.format(new Date(at));

export const long = (at) => MOMENT.format(new Date(at));

export const full = (at) => FULL.format(new Date(at));

/** Return an age in the largest unit that is still exact enough: "4 s", "3 min", "2 h". */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** Show `at` in a <time> element. */
export function show(element, at, form = short) {
  element.dateTime = at;
  element.textContent = form(at);
  element.title = full(at);
}

/** Write every <time data-form> of a server-made page in the reader's zone. */
export function localise(root = document) {
  for (const element of root.querySelectorAll("time[datetime][data-form]")) {
    show(element, element.dateTime, element.dataset.form === "long" ? long : short);
  }
}
