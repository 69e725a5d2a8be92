"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 520px)");
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const template = () => read("themes")[dark.matches ? "dark" : "light"];

  // On a phone the names of lines do not fit beside them; the hover text and the title carry them.
  const fitted = (layout) => {
    const own = { ...layout, template: template() };
    if (narrow.matches) {
      own.margin = { ...layout.margin, l: 44, r: 14 };
      own.annotations = layout.annotations.map((a) =>
        a.xanchor === "left" && a.xref !== "paper" ? { ...a, xanchor: "right", xshift: -2, yshift: (a.yshift || 0) + 12 } : a);
    }
    return own;
  };

  const draw = (place) => {
    const chart = read("chart-" + place.dataset.chart);
    Plotly.react(place, chart.data, fitted(chart.layout), { responsive: true, displayModeBar: false });
    place.dataset.drawn = "yes";
  };

  const places = [...document.querySelectorAll("[data-chart]")];
  if (places.length && window.Plotly) {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
    }, { rootMargin: "300px" });
    for (const place of places) seen.observe(place);
    const again = () => places.filter((place) => place.dataset.drawn).forEach(draw);
    dark.addEventListener("change", again);
    narrow.addEventListener("change", again);
    addEventListener("beforeprint", () => places.forEach(draw));
  }

  // One box ticks all lines of its table, or of the page where it stands outside of one.
  for (const all of document.querySelectorAll("input.all")) {
    all.addEventListener("change", () => {
      for (const box of (all.closest("table") || document).querySelectorAll("input[type=checkbox]")) box.checked = all.checked;
    });
  }

  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing) document.activeElement.blur();
    if (typing) return;
    if (event.key === "/") { event.preventDefault(); document.getElementById("find").focus(); }
    const turn = { ArrowRight: "next", ArrowLeft: "prev" }[event.key];
    const link = turn && document.querySelector(`.pager a[rel=${turn}]`);
    if (link) link.click();
  });
})();
