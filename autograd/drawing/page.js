// The page: what is shown at a step, and what the reader can do.

const RIGHT = {overwrite: false, shuffled: false};
const mode = {...RIGHT};
const LAST = 2 * interior.length + 1; // nothing; a step for each value; the result's adjoint; a step for each node back
const position = new Map(interior.map((node, i) => [node, i]));
const shared = new Set(graph.shared);
let step = 0;
let chosen = null;
let right; // the backward pass as it should be, at its end
let pass; // as far as the current step, in the chosen mode
let wrong = null;

const hasValue = (i) => !nodes[i].parents.length || step > position.get(i);
const passed = () => Math.max(0, step - interior.length - 1); // how many nodes have passed their adjoint on
const hasAdjoint = (i) => takesGradient(i) && step > interior.length && (i === root || pass.arrived[i] > 0);

// ---- the formulas

const span = (kind, ...children) => make("span", {class: kind}, ...children);
const numeral = (i) => span("values", short(values[i]));

function forwardFormula(i) {
  return [make("div", {},
    names.name(i), span("equals", " = "), ...expression(nodes[i], names.name),
    span("equals", " = "), ...expression(nodes[i], numeral),
    span("equals", " = "), numeral(i))];
}

// p_bar = p_bar + c_bar dc/dp, a line for each operand.
function backwardFormula(child) {
  const sums = new Map();
  const rows = nodes[child].parents.flatMap((parent, k) => {
    const before = sums.get(parent) ?? pass.before[k];
    const added = numbers.share(child, k, pass.adjoints[child]);
    sums.set(parent, mode.overwrite ? added : before + added);
    if (!takesGradient(parent)) return [];
    const adjoint = (text) => span("adjoints", text);
    const product = (first) => [adjoint(first), " · ", factor(slopes[child][k])];
    return [make("div", {},
      names.bar(parent), span("equals", " = "), ...(mode.overwrite ? [] : [names.bar(parent), " + "]),
      names.bar(child), " · ∂", names.name(child), "/∂", names.name(parent), span("equals", " = "),
      ...(mode.overwrite ? product(short(pass.adjoints[child])) : [adjoint(short(before)), " + ", ...product(factor(pass.adjoints[child]))]),
      span("equals", " = "), adjoint(short(sums.get(parent))),
      ...(mode.overwrite && before !== 0 ? [" ", make("del", {}, short(before))] : []))];
  });
  const most = 8;
  return rows.length > most ? [...rows.slice(0, most), make("div", {}, `… and ${rows.length - most} more`)] : rows;
}

// The node that the step is about, and how.
function active() {
  if (step === 0) return null;
  if (step <= interior.length) return {node: interior[step - 1], phase: "forward"};
  if (step === interior.length + 1) return {node: root, phase: "backward"};
  return {node: numbers.orderOf(mode)[passed() - 1], phase: "backward"};
}

// Where Python's arithmetic stops on numbers that are finite. Its + - * go to infinity, and / does except at 0.
function raises(i) {
  const {parents, symbol, row} = nodes[i];
  const operands = parents.map((parent) => values[parent]);
  const goesOn = !ROWS[row] || "+-*".includes(symbol) || (symbol === "/" && operands[1] !== 0);
  return !goesOn && !Number.isFinite(values[i]) && operands.every(Number.isFinite);
}

// ---- a step

function showStep() {
  const now = active();
  const phase = now?.phase ?? "";
  document.body.className = phase;
  const seeds = step === interior.length + 1;
  pass = numbers.backward(mode, passed());

  const title = !now ? "Before the first step" : phase === "forward" ? "Forward" : "Backward";
  $("phase").replaceChildren(make("b", {}, title), ` · step ${step} of ${LAST}`);
  let formula;
  let remark = "";
  if (!now) {
    const origins = [leaves.length && plural(leaves.length, "leaf", "leaves"), folded.size && plural(folded.size, "folded node")].filter(Boolean);
    formula = [make("div", {}, names.name(root), origins.length && interior.length ? ` from ${origins.join(" and ")}` : "")];
    remark = "Forward computes every value, operands first. Backward passes every adjoint to the operands.";
  } else if (phase === "forward") {
    formula = frozen.includes(now.node)
      ? [make("div", {}, names.name(now.node), span("equals", " = "), span("values", short(values[now.node])))]
      : forwardFormula(now.node);
    if (frozen.includes(now.node)) remark = `${nodes[now.node].name} has no rule that the page could read: its value and local derivatives are fixed.`;
    else if (raises(now.node)) remark = `The engine raises here: ${nodes[now.node].name} is not defined at these operands, or overflows.`;
  } else if (seeds) {
    formula = [make("div", {}, names.bar(root), span("equals", " = "), "∂", names.name(root), "/∂", names.name(root), span("equals", " = "), span("adjoints", "1"))];
    remark = "The result changes as fast as itself.";
  } else {
    formula = backwardFormula(now.node);
    if (!formula.length) formula = [make("div", {}, names.name(now.node), " has only constants behind it")];
    const several = nodes[now.node].parents.some((parent) => takesGradient(parent) && pass.arrived[parent] > 1);
    if (several) remark = mode.overwrite ? "An earlier share is overwritten." : "Shares of several consumers add up.";
    if (step === LAST && off) remark += ` The pass ends with ${plural(off, "wrong adjoint")}.`;
    else if (step === LAST) remark += shared.size ? " The shares of the folded nodes are not in these sums." : " Every adjoint is complete.";
  }
  const isWrong = wrong && phase === "backward" && passed() >= wrong.step + 1;
  if (isWrong && passed() === wrong.step + 1) remark = explainWrong();
  $("formula").replaceChildren(...formula);
  $("formula").classList.toggle("many", formula.length > 2);
  $("remark").textContent = remark;
  $("remark").classList.toggle("wrong", Boolean(isWrong && passed() === wrong.step + 1));

  // Only what differs from what stands there is written: a step in a graph of thousands touches a few nodes.
  const focused = document.activeElement?.dataset.node;
  drawn.forEach(({element, texts}, i) => {
    const isParent = phase === "backward" && now && !seeds && nodes[now.node].parents.includes(i) && takesGradient(i);
    const isOff = hasAdjoint(i) && step === LAST && !agree(pass.adjoints[i], right.adjoints[i], scale);
    const classes = ["node", nodes[i].kind, frozen.includes(i) && "frozen", now?.node === i && phase, isParent && "receiving",
      chosen === i && "chosen", isWrong && wrong.node === i && "wrong", isOff && "off",
      found && !found.has(i) && "faint"].filter(Boolean).join(" ");
    const value = hasValue(i) ? tight(values[i]) : "";
    const adjoint = hasAdjoint(i) ? tight(pass.adjoints[i]) : "";
    const stop = i === chosen || i === (now?.node ?? root); // where the Tab key stops in the graph
    const state = [classes, value, adjoint, stop].join("|");
    if (drawn[i].state === state) return;
    drawn[i].state = state;
    element.setAttribute("class", classes);
    element.setAttribute("tabindex", stop ? 0 : -1);
    element.setAttribute("aria-pressed", chosen === i);
    texts.value.textContent = value;
    if (texts.adjoint) texts.adjoint.textContent = adjoint;
    element.setAttribute("aria-label", spokenNode(i));
  });
  if (drawn[focused]?.element.getAttribute("tabindex") === "-1") drawn[now?.node ?? root].element.focus({preventScroll: true});
  light(now, phase, seeds);
  $("scrub").value = step;
  $("scrub").setAttribute("aria-valuetext", `${title}, step ${step} of ${LAST}`);
  // Not `disabled`: that would take the focus away from who presses them.
  for (const id of ["home", "previous"]) $(id).setAttribute("aria-disabled", step === 0);
  for (const id of ["next", "end"]) $(id).setAttribute("aria-disabled", step === LAST);
  $("spoken").textContent = [`${title}.`, `Step ${step} of ${LAST}.`, spokenStep(now, phase, seeds), remark].join(" ");
  showLeaves();
  showDetails();
  showAll();
}

const spokenNode = (i) => [names.plain(i), nodes[i].name ?? nodes[i].kind, hasValue(i) ? `value ${short(values[i])}` : "no value yet",
  hasAdjoint(i) ? `adjoint ${short(pass.adjoints[i])}` : ""].filter(Boolean).join(", ");

function spokenStep(now, phase, seeds) {
  if (!now) return "";
  const subject = names.plain(now.node);
  if (phase === "forward") return `${subject} is ${nodes[now.node].name} of ${nodes[now.node].parents.map(names.plain).join(" and ")}: ${short(values[now.node])}.`;
  if (seeds) return `The adjoint of ${subject} is 1.`;
  const receivers = [...new Set(nodes[now.node].parents)].filter(takesGradient);
  return `${subject} passes its adjoint on: ${receivers.map((i) => `adjoint of ${names.plain(i)} is now ${short(pass.adjoints[i])}`).join(", ")}.`;
}

function go(to) {
  step = Math.min(LAST, Math.max(0, to));
  showStep();
  if (step && follows) goTo(active().node);
}

// ---- all numbers, for readers of tables

let cells = null; // of each node: its name, value and adjoint; made when they are first looked at
function showAll() {
  if (!$("all").open) return;
  if (!cells) {
    cells = nodes.map((_, i) => [make("td", {}, names.name(i)), make("td", {class: "values"}), make("td", {class: "adjoints"})]);
    const head = ["node", "value", "adjoint"].map((text) => make("th", {scope: "col"}, text));
    const rows = cells.map((row) => make("tr", {}, ...row));
    $("all").lastElementChild.append(make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
  }
  cells.forEach(([name, value, adjoint], i) => {
    if (names.isConstant(i)) write(name, names.plain(i));
    write(value, hasValue(i) ? exact(values[i]) : "");
    write(adjoint, hasAdjoint(i) ? exact(pass.adjoints[i]) : "");
  });
}
$("all").addEventListener("toggle", showAll);

// ---- what goes wrong

let scale = 0;
let off = 0; // how many adjoints are wrong in the end
function recompute() {
  numbers.forward();
  right = numbers.backward(RIGHT, interior.length);
  scale = 1e-4 * right.adjoints.reduce((most, x) => (Math.abs(x) < Infinity ? Math.max(most, Math.abs(x)) : most), 0);
  const broken = mode.overwrite || mode.shuffled;
  const end = broken ? numbers.backward(mode, interior.length, right.adjoints) : null;
  wrong = end?.wrong ?? null;
  off = end ? nodes.filter((_, i) => takesGradient(i) && !agree(end.adjoints[i], right.adjoints[i], scale)).length : 0;
  pass = numbers.backward(mode, passed());
  showVerdict(broken);
  showSnapshot();
  showStep();
}
function explainWrong() {
  const what = names.plain(wrong.node);
  if (wrong.kind === "overwritten") return `Here ${what} goes wrong first: its earlier share ${short(wrong.had)} is overwritten, not added to.`;
  return `Here ${what} goes wrong first: it passes on ${short(wrong.had)} before all its consumers have added their shares; it should be ${short(right.adjoints[wrong.node])}.`;
}
function showVerdict(broken) {
  if (!broken) return $("verdict").replaceChildren();
  $("verdict").classList.toggle("harmless", !wrong);
  const why = mode.overwrite ? "no node has two consumers whose shares differ from 0." : "this order happens to be topological here, or no share comes late.";
  if (!wrong) return $("verdict").replaceChildren(`Nothing goes wrong in this graph: ${why}`);
  const all = nodes.filter((_, i) => takesGradient(i)).length;
  const told = ["First wrong node: ", names.name(wrong.node), `, at step ${interior.length + 2 + wrong.step}. In the end ${off} of ${plural(all, "adjoint")} ${off === 1 ? "is" : "are"} wrong.`];
  const button = make("button", {type: "button", onclick: () => go(interior.length + 2 + wrong.step)}, "Go there");
  $("verdict").replaceChildren(make("div", {}, ...told), button);
}
for (const name of ["overwrite", "shuffled"]) {
  $(name).addEventListener("change", (event) => {
    mode[name] = event.target.checked;
    recompute();
  });
}

// ---- search

let found = null;
$("search").addEventListener("input", ({target}) => {
  const wanted = target.value.trim().toLowerCase();
  found = wanted ? new Set(nodes.flatMap((node, i) => (`${names.plain(i)} ${node.name ?? ""} ${node.path ?? ""}`.toLowerCase().includes(wanted) ? [i] : []))) : null;
  $("hits").textContent = found ? `${found.size || "nothing"} found` : "";
  showStep();
});
$("search").addEventListener("keydown", ({key}) => {
  if (key !== "Enter" || !found?.size) return;
  const all = [...found];
  chosen = all[(all.indexOf(chosen) + 1) % all.length];
  goTo(chosen);
  showStep();
});

// ---- play, scrub, keys

let timer = null;
function play(on) {
  clearTimeout(timer);
  timer = null;
  if (on && step === LAST) go(0);
  const advance = () => {
    go(step + 1);
    if (step === LAST) play(false);
    else timer = setTimeout(advance, Number($("speed").value));
  };
  if (on) timer = setTimeout(advance, 150);
  $("play").textContent = on ? "Pause" : "Play";
  $("play").setAttribute("aria-label", on ? "Pause" : "Play");
}
const toggle = () => play(timer === null);
const moves = {previous: () => go(step - 1), next: () => go(step + 1), home: () => go(0), end: () => go(LAST)};
for (const [id, move] of Object.entries(moves)) {
  $(id).addEventListener("click", () => {
    play(false);
    move();
  });
}
$("play").addEventListener("click", toggle);
$("scrub").max = LAST;
$("scrub").addEventListener("input", ({target}) => {
  play(false);
  go(Number(target.value));
});
const KEYS = {ArrowRight: "next", ArrowLeft: "previous", Home: "home", End: "end"};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const {target, key} = event;
  const types = target.matches("input:not([type=range]):not([type=checkbox]), select, #snapshot");
  if (types) return;
  if (key === " " && !target.matches("button, summary, [type=checkbox]")) toggle();
  else if (KEYS[key]) {
    play(false);
    moves[KEYS[key]]();
  } else return;
  event.preventDefault();
});

// ---- light and dark

const prefers = matchMedia("(prefers-color-scheme: dark)");
const wear = (dark) => (document.documentElement.dataset.theme = dark ? "dark" : "light");
wear(prefers.matches);
prefers.addEventListener("change", (event) => wear(event.matches));
$("theme").addEventListener("click", () => wear(document.documentElement.dataset.theme !== "dark"));

// ---- training

const trained = new Set(graph.snapshots.flat().map(([leaf]) => leaf));
// A snapshot may leave some of them out: these have the numbers that were recorded.
const numbersAt = (k) => new Map([...[...trained].map((leaf) => [leaf, numbers.recorded[leaf]]), ...graph.snapshots[k].map(([leaf, number]) => [leaf, fromText(number)])]);
if (graph.snapshots.length) {
  $("training").hidden = false;
  $("snapshot").max = graph.snapshots.length - 1;
  $("snapshot").addEventListener("input", () => {
    for (const [leaf, number] of numbersAt(Number($("snapshot").value))) data[leaf] = number;
    recompute();
  });
}
// The leaves may have been edited since, and the graph recorded at any moment.
function showSnapshot() {
  const stands = (k) => [...numbersAt(k)].every(([leaf, number]) => Object.is(data[leaf], number));
  const all = [...graph.snapshots.keys()];
  const here = [Number($("snapshot").value), ...all].find((k) => k in all && stands(k));
  if (here !== undefined) $("snapshot").value = here;
  $("snapshot-number").textContent = here === undefined ? "none: other numbers" : `${here} of ${all.length - 1}`;
}

const result = names.plain(root).length <= 6 ? names.name(root) : "result";
const any = () => make("i", {class: "name"}, "v");
$("legend").firstElementChild.append(" ", any());
$("legend").lastElementChild.append(" ", span("bar", any()), " = ∂", result, "/∂", any());
$("subject").append(names.name(root), ` · ${plural(nodes.length + graph.folded, "node")}`);
document.title = `${names.plain(root)} · step through the chain rule`;
measure();
fit();
recompute();
new ResizeObserver(() => {
  measure();
  if (follows && step === 0) fit();
  else if (follows) goTo(active().node);
}).observe($("graph"));
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--footer", `${document.querySelector("footer").offsetHeight}px`);
}).observe(document.querySelector("footer"));
addEventListener("scroll", measure);
