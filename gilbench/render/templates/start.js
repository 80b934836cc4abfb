
// The first paint shows the pictures; the script follows.
requestAnimationFrame(() => {
  setTimeout(() => {
    const kinds = { flame: FlameGraph, lanes: ThreadLanes };
    for (const figure of document.querySelectorAll("figure[data-live]")) {
      const data = JSON.parse(figure.querySelector("script").textContent);
      new kinds[data.kind](figure, data);
    }
  });
});
