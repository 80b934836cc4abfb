"use strict";
(() => {
  const box = document.getElementById("filter");
  const count = document.getElementById("count");
  const controls = [...box.querySelectorAll("[name]")];
  const rows = [...document.querySelectorAll("tr[data-verdict]")].map(
    (row) => ({ row, text: row.textContent.toLowerCase() }));
  const sections = [...document.querySelectorAll("tbody")];

  function apply() {
    const words = box.querySelector("[name=text]").value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = controls.filter((one) => one.name !== "text" && one.value);
    let shown = 0;
    for (const { row, text } of rows) {
      const fits = words.every((word) => text.includes(word))
        && chosen.every((one) => row.dataset[one.name] === one.value);
      row.hidden = !fits;
      shown += fits;
    }
    for (const section of sections) {
      section.hidden = !section.querySelector("tr[data-verdict]:not([hidden])");
    }
    const all = count.dataset.all;
    count.textContent = String(shown) === all ? `${all} series` : `${shown} of ${all} series`;
  }

  function load() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const one of controls) {
      one.value = state.get(one.name) || "";
      if (one.selectedIndex === -1) one.selectedIndex = 0;
    }
    apply();
  }

  function save() {
    const state = new URLSearchParams();
    for (const one of controls) {
      if (one.value) state.set(one.name, one.value);
    }
    apply();
    try {
      history.replaceState(null, "", `#${state}`);
    } catch {
      // A viewer of artefacts may forbid it; the filter works without it.
    }
  }

  box.addEventListener("input", save);
  document.getElementById("clear").addEventListener("click", () => {
    for (const one of controls) one.value = "";
    save();
    controls[0].focus();
  });
  window.addEventListener("hashchange", load);
  box.hidden = false;
  load();
})();
