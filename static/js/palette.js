// The colours of the theme for a canvas, which knows no custom properties.

import { make } from "./dom.js";

/** Return these tokens as this theme resolves them, read inside `place`. */
export function read(names, place) {
  const probe = make("span", { hidden: true });
  probe.style.forcedColorAdjust = "none"; // a canvas stays in ours: forced, all of them are one
  place.append(probe);
  const found = Object.fromEntries(
    names.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    }),
  );
  probe.remove();
  return found;
}

/** Return a colour that lets through what lies under it. */
export const faded = (colour, opacity = 0.35) =>
  colour.replace("rgb(", "rgba(").replace(")", `, ${opacity})`);

/** Call `paint` whenever the theme changes, by the customer's choice or the system's. */
export function onChange(paint) {
  document.addEventListener("appearance", paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
}

/** Return what every chart of ours looks like in these colours. */
export function chartOptions(colours) {
  return {
    layout: {
      background: { color: colours["bg-1"] },
      textColor: colours["text-2"],
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 12,
    },
    grid: { vertLines: { color: faded(colours.line) }, horzLines: { color: faded(colours.line) } },
    crosshair: {
      vertLine: { color: colours["text-3"], labelBackgroundColor: colours["line-strong"] },
      horzLine: { color: colours["text-3"], labelBackgroundColor: colours["line-strong"] },
    },
  };
}
