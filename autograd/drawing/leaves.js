// The leaves: for each its number, to be edited, and its adjoint.

const leaves = nodes.flatMap((node, i) => (node.parents.length || !takesGradient(i) || folded.has(i) ? [] : [i]));
const editable = nodes.flatMap((node, i) => (node.parents.length ? [] : [i]));
const MOST_ROWS = 60;

// A number as people type it; the words of Python too.
function readNumber(text) {
  const word = text.trim().replace("\u2212", "-").toLowerCase();
  if (/^[+-]?(inf|infinity|nan)$/.test(word)) return word.endsWith("nan") ? NaN : word.startsWith("-") ? -Infinity : Infinity;
  return word && Number.isFinite(Number(word)) ? Number(word) : null;
}
const written = (x) => exact(x).replaceAll("\u2212", "-").replace("∞", "inf");

// A field for a leaf's number. Which leaf, `of` says: the field among the details passes from one to another.
function numberField(of) {
  const set = (number) => {
    data[of()] = number;
    recompute();
  };
  const input = make("input", {inputmode: "decimal", spellcheck: "false", autocomplete: "off"});
  input.addEventListener("input", () => {
    const number = readNumber(input.value);
    input.setAttribute("aria-invalid", number === null);
    if (number !== null) set(number);
  });
  input.addEventListener("keydown", (event) => {
    const direction = {ArrowUp: 1, ArrowDown: -1}[event.key];
    if (!direction) return;
    event.preventDefault();
    set(Number((data[of()] + direction * (event.shiftKey ? 1 : 0.1)).toPrecision(12)));
  });
  input.addEventListener("blur", () => showNumber(of(), input));
  return input;
}
// What is being typed stands, as long as it says the same number or none yet.
function showNumber(i, input) {
  const typed = readNumber(input.value);
  if (document.activeElement === input && (typed === null || Object.is(typed, data[i]))) return;
  if (input.value !== written(data[i])) input.value = written(data[i]);
  input.setAttribute("aria-invalid", false);
  input.setAttribute("aria-label", `Value of ${names.plain(i)}`);
}

const fields = new Map();
function leafRow(i) {
  const input = numberField(() => i);
  const output = make("output", {"aria-label": `Adjoint of ${names.plain(i)}`});
  fields.set(i, {input, output});
  return make("div", {class: "row"}, make("button", {type: "button", class: "link", onclick: () => choose(i)}, names.name(i)), input, output);
}
$("leaves").append(...leaves.slice(0, MOST_ROWS).map(leafRow));
if (leaves.length > MOST_ROWS) $("leaves").append(make("p", {}, `… and ${leaves.length - MOST_ROWS} more: click one in the graph.`));

function showLeaves() {
  for (const [i, {input, output}] of fields) {
    showNumber(i, input);
    input.classList.toggle("edited", !Object.is(data[i], numbers.recorded[i]));
    write(output, hasAdjoint(i) ? tight(pass.adjoints[i]) : "");
    output.title = hasAdjoint(i) ? exact(pass.adjoints[i]) : "";
  }
  const edited = editable.some((i) => !Object.is(data[i], numbers.recorded[i]));
  $("reset").hidden = !edited;
  const notes = [];
  const own = [...new Set(frozen.map((i) => nodes[i].name))];
  if (own.length) notes.push(`The page has no rule for ${own.join(", ")}: ${frozen.length === 1 ? "its node keeps its number" : "these nodes keep their numbers"}${edited ? ", though leaves were edited" : ""}.`);
  if (folded.size) notes.push(`${plural(graph.folded, "node is", "nodes are")} folded; ${folded.size === 1 ? "the number that they pass on is" : `the ${folded.size} numbers that they pass on are`} fixed${edited ? ", also where they depend on the leaves that you edited" : ""}.`);
  if (numbers.moved) notes.push("Leaves were assigned after this graph was recorded: the page computes it from their numbers now.");
  write($("notes"), notes.join(" "));
}
$("reset").addEventListener("click", () => {
  data.set(numbers.recorded);
  recompute();
});
