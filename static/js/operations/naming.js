// What the admin's frame leaves unsaid to whoever hears it: where a page begins, and how the lists
// to choose from are called.

addEventListener("DOMContentLoaded", () => document.getElementById("main")?.setAttribute("role", "main"));

addEventListener("load", () => {
  for (const list of document.querySelectorAll("select.select2-hidden-accessible")) {
    const name = list.labels[0]?.innerText;
    if (name) list.nextElementSibling?.querySelector("[role=combobox]")?.setAttribute("aria-label", name);
  }
});
