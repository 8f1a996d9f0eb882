// Shared by all pages.
"use strict";

// Snakemake's report holds this page as a data address: links to other files lead nowhere there.
if (location.protocol === "data:") document.documentElement.classList.add("embedded");

// What is folded up is printed too.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

// A new element; its children are elements or text, and text is never read as HTML.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A labelled drop-down list; `change` gets the chosen value.
function dropDown(label, change) {
  const select = make("select");
  select.addEventListener("change", () => change(select.value));
  return { select, label: make("label", {}, label, select) };
}

// Fill a list with values and their names, and choose one.
function fill(select, values, chosen, name = String) {
  select.replaceChildren(...values.map((v) => new Option(name(v), v, false, String(v) === String(chosen))));
}
