// Applies the kept theme and colours before the first paint, so that nothing flashes.
// A classic script in the head, on purpose: modules run too late for this.
(() => {
  const root = document.documentElement;
  const kept = (name, words) => {
    try {
      const word = localStorage.getItem(`openfloor.${name}`);
      return words.includes(word) ? word : words[0];
    } catch {
      return words[0]; // storage is refused: follow the system
    }
  };
  root.dataset.theme = kept("theme", ["system", "light", "dark"]);
  root.dataset.colours = kept("colours", ["green-red", "blue-orange"]);
})();
