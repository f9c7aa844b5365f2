// What the admin's frame leaves unsaid to whoever hears it: where a page begins, and how the lists
// to choose from are called.

function nameLists() {
  for (const list of document.querySelectorAll("select.select2-hidden-accessible")) {
    const name = list.labels[0]?.innerText;
    const box = list.nextElementSibling?.querySelector("[role=combobox]:not([aria-label])");
    if (name && box) box.setAttribute("aria-label", name);
  }
}

addEventListener("DOMContentLoaded", () => {
  document.getElementById("main")?.setAttribute("role", "main");
  // The frame makes them at a moment of its own, and more with each row that is added.
  new MutationObserver(nameLists).observe(document.body, { childList: true, subtree: true });
  nameLists();
});
