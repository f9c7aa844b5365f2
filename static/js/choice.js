// A row of buttons of which one is pressed: the span of a bar, the period of a curve.

import { $$, make } from "./dom.js";

/**
 * Fill `group` with a button for each of `options` ({ name, label?, title }); `pick(option)` is
 * called with the one that is pressed. Return a function that presses one.
 */
export function begin(group, options, { chosen, pick }) {
  const show = ({ name }) => {
    for (const button of $$("button", group)) {
      button.setAttribute("aria-pressed", String(button.dataset.name === name));
    }
  };
  const press = (option) => {
    show(option);
    pick(option);
  };
  group.append(
    ...options.map((option) =>
      make(
        "button",
        { type: "button", title: option.title, dataset: { name: option.name }, onclick: () => press(option) },
        option.label ?? option.name,
      ),
    ),
  );
  show(chosen);
  return press;
}
