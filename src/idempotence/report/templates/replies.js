// Replies of one chain, chosen by setting, trait, dose and seed: two cycles side by side, and all
// questions or one.
const ALL = "all";
const NONE = "none";
const BIN = 5; // points of a bar
const keys = ["setting", "trait", "dose", "seed"];
const chosen = { question: ALL };
const lists = {};
let data;

// JSON, compressed and in base64.
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(plain).json();
}

// The chains that fit the first `count` choices.
function among(count) {
  return data.chains.filter((chain) => keys.slice(0, count).every((key) => chain[key] === chosen[key]));
}

function offer(key, values, usual = values[0], name = String) {
  if (!values.map(String).includes(String(chosen[key]))) chosen[key] = usual;
  fill(lists[key], values, chosen[key], name);
}

function drawing(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// Where a score lies among those of all replies of its model: in words, and as bars with a line.
function place(score, cycle) {
  const known = cycle.n - cycle.missing;
  const share = (fits) => {
    const count = cycle.counts.filter(([other]) => fits(other)).reduce((sum, [, n]) => sum + n, 0);
    return `${Math.round((100 * count) / known)} %`;
  };
  const words = `${share((other) => other < score)} of the ${known} replies of this model score lower, ${share((other) => other > score)} higher.`;
  const bars = new Array(100 / BIN).fill(0);
  for (const [other, n] of cycle.counts) bars[Math.min(Math.floor(other / BIN), bars.length - 1)] += n;
  const most = Math.max(...bars);
  const svg = drawing("svg", { viewBox: "-2 -2 104 24", preserveAspectRatio: "none", "aria-hidden": "true" });
  bars.forEach((n, i) => {
    const height = n && Math.max((20 * n) / most, 1);
    svg.append(drawing("rect", { x: i * BIN + 0.5, y: 20 - height, width: BIN - 1, height }));
  });
  svg.append(drawing("line", { class: "axis", x1: 0, x2: 100, y1: 20.5, y2: 20.5 }));
  svg.append(drawing("line", { class: "here", x1: score, x2: score, y1: -2, y2: 22 }));
  return make("div", { class: "place" }, svg, make("span", { class: "soft" }, words));
}

function card(reply, cycle, chain) {
  const box = make("article", { class: "reply" });
  const of = `seed ${chain.seed}, question ${reply.question}, sample ${reply.sample}`;
  box.setAttribute("aria-label", `Cycle ${cycle.cycle}, ${of}`);
  box.append(make("p", { class: "text", dir: "auto", tabindex: "0" }, reply.text || "(empty)"));
  const scores = make("dl", { class: "scores" });
  for (const [label, score] of Object.entries(reply.scores)) {
    scores.append(make("div", {}, make("dt", {}, label), make("dd", {}, score === null ? "–" : String(score))));
  }
  box.append(scores);
  if (reply.scores.trait !== null) box.append(place(reply.scores.trait, cycle));
  box.append(make("p", { class: "soft" }, of));
  return box;
}

function head(cycle) {
  const known = cycle.n - cycle.missing;
  let words = known
    ? `Median trait score ${cycle.median}, middle half ${cycle.low} to ${cycle.high}, of ${known} replies`
    : `No reply with a score${cycle.n ? ` among ${cycle.n}` : ""}`;
  if (known && cycle.missing) words += `; ${cycle.missing} more without a score`;
  if (cycle.ended) words += `. The chain has ended: ${cycle.ended}`;
  return make("div", {}, make("h3", {}, `Cycle ${cycle.cycle}`), make("p", { class: "soft" }, `${words}.`));
}

function show() {
  keys.forEach((key, i) => offer(key, [...new Set(among(i).map((chain) => chain[key]))]));
  const [chain] = among(keys.length);
  const numbers = chain.cycles.map((cycle) => cycle.cycle);
  offer("cycle", numbers);
  offer("beside it", [NONE, ...numbers], numbers.at(-1));
  const prompts = new Map(chain.cycles.flatMap((c) => c.replies.map((r) => [r.question, data.prompts[r.prompt]])));
  const questions = [...prompts.keys()].sort((a, b) => a - b);
  offer("question", [ALL, ...questions], ALL, (q) => (q === ALL ? ALL : `${q}: ${prompts.get(q)}`));

  const cycles = [...new Set([chosen.cycle, chosen["beside it"]])].filter((c) => c !== NONE)
    .map((c) => chain.cycles.find((cycle) => cycle.cycle === Number(c)));
  const grid = make("div", { class: cycles.length > 1 ? "pair" : "pair one" }, ...cycles.map(head));
  for (const question of questions) {
    if (![ALL, String(question)].includes(String(chosen.question))) continue;
    const replies = cycles.map((cycle) => cycle.replies.find((reply) => reply.question === question));
    const asked = [...new Set(replies.filter(Boolean).map((reply) => data.prompts[reply.prompt]))];
    if (asked.length === 0) continue;
    grid.append(make("h4", { class: "prompt", dir: "auto" }, asked.join(" | ")));
    grid.append(...replies.map((reply, i) => (reply ? card(reply, cycles[i], chain) : make("p", { class: "soft" }, "No reply."))));
  }
  const heading = [chain.setting, chain.trait, chain.dose, chain.rows, `seed ${chain.seed}`].filter(Boolean).join(", ");
  document.querySelector("h2").textContent = heading;
  document.querySelector("#replies").replaceChildren(grid);
}

async function start() {
  data = await unpack(document.querySelector("#data").textContent);
  const bar = document.querySelector(".choice");
  for (const key of [...keys, "question", "cycle", "beside it"]) {
    const { select, label } = dropDown(key, (value) => { chosen[key] = value; show(); });
    lists[key] = select;
    bar.append(label);
  }
  bar.hidden = false;
  show();
}

start();
