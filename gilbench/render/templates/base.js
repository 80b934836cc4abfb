"use strict";
// The script of a page draws some of its charts anew, to be searched and zoomed. Texts become nodes, never markup.

/** Set attributes of an element, and add children to it: elements, or texts. */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Make an element of HTML. */
function html(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Make an element of SVG. */
function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** Make a button. */
function button(text, work) {
  const made = html("button", { type: "button" }, text);
  made.addEventListener("click", work);
  return made;
}

function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

/** Write a time with its unit. */
function seconds(value) {
  const [factor, unit] = value >= 1 ? [1, "s"] : value >= 1e-3 ? [1e3, "ms"] : [1e6, "µs"];
  return `${Number((value * factor).toPrecision(3))} ${unit}`;
}

/** Return a function that calls another one once before the next frame, however often it is called itself. */
function oncePerFrame(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}

/** Call a function with the width of an element in px, now and whenever it changes. */
function onWidth(element, work) {
  let known = 0;
  new ResizeObserver(() => {
    const width = Math.floor(element.clientWidth);
    if (width > 0 && width !== known) work((known = width));
  }).observe(element);
}

/** Put the live form of a chart beside its picture, which is left for paper. */
function replacePicture(figure, live) {
  figure.querySelector(".picture").after(live);
  figure.classList.add("live");
}
