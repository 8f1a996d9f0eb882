// Shows one section at a time, chosen by setting, trait and cell, and one of its cycles or all.
// Without it the page shows everything.
"use strict";
const ALL = "all";
const keys = ["setting", "trait", "cell"];
const sections = [...document.querySelectorAll("section")];
const chosen = { cycle: ALL };

function among(count) {
  return sections.filter((s) => keys.slice(0, count).every((key) => s.dataset[key] === chosen[key]));
}

function offer(key, values) {
  if (!values.includes(chosen[key])) chosen[key] = values[0];
  const select = selects[key];
  select.replaceChildren(...values.map((value) => new Option(value, value, false, value === chosen[key])));
}

function show() {
  keys.forEach((key, i) => offer(key, [...new Set(among(i).map((s) => s.dataset[key]))]));
  const [current] = among(keys.length);
  const cycles = [...current.querySelectorAll("[data-cycle]")];
  offer("cycle", [ALL, ...cycles.map((c) => c.dataset.cycle)]);
  sections.forEach((section) => { section.hidden = section !== current; });
  cycles.forEach((c) => { c.hidden = ![ALL, c.dataset.cycle].includes(chosen.cycle); });
}

const bar = document.querySelector(".choice");
const selects = Object.fromEntries([...keys, "cycle"].map((key) => {
  const select = document.createElement("select");
  select.addEventListener("change", () => { chosen[key] = select.value; show(); });
  const label = document.createElement("label");
  label.append(key, select);
  bar.append(label);
  return [key, select];
}));
bar.hidden = false;
show();
