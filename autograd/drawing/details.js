// The chosen node: its numbers, and the sum over its consumers that is its adjoint.

function choose(i) {
  chosen = chosen === i ? null : i;
  showStep();
  if (chosen !== null) $("details").scrollIntoView({block: "nearest"});
}
const link = (i) => make("button", {type: "button", class: "link", onclick: () => { chosen = i; goTo(i); showStep(); }}, names.name(i));
const editField = numberField(() => chosen);
$("edit").append(editField);

function showDetails() {
  const panel = $("details");
  const at = [...panel.querySelectorAll("button")].indexOf(document.activeElement);
  const stays = panel.dataset.of === String(chosen);
  panel.dataset.of = chosen;
  $("edit").hidden = chosen === null || !editable.includes(chosen) || folded.has(chosen) || fields.has(chosen);
  if (!$("edit").hidden) showNumber(chosen, editField);
  $("facts").replaceChildren(...(chosen === null ? [make("p", {}, "Click a node to see the sum over its consumers.")] : facts(chosen)));
  $("sum").replaceChildren(...(chosen === null || !takesGradient(chosen) ? [] : [consumerTable(chosen)]));
  if (at >= 0) (stays ? panel.querySelectorAll("button")[at] : panel.querySelector("h2"))?.focus();
}

function facts(i) {
  const node = nodes[i];
  const kind = {leaf: "leaf", constant: "constant: takes no gradient", folded: "folded: its number is fixed", detached: "result of no_grad"}[node.kind];
  const row = (title, number, kind) => make("tr", {}, make("th", {scope: "row"}, title), make("td", {class: kind}, number));
  const rows = [row("value", hasValue(i) ? exact(values[i]) : "not computed yet", "values")];
  if (takesGradient(i)) rows.push(row("adjoint", hasAdjoint(i) ? exact(pass.adjoints[i]) : "not computed yet", "adjoints"));
  if (hasAdjoint(i) && step === LAST && !agree(pass.adjoints[i], right.adjoints[i], scale)) rows.push(row("it should be", exact(right.adjoints[i])));
  return [make("h2", {tabindex: -1}, names.name(i)), make("p", {}, ...(node.parents.length ? expression(node, link) : [kind])), make("table", {}, make("tbody", {}, ...rows))];
}

function consumerTable(i) {
  if (i === root) return make("p", {}, "The result itself: its adjoint is 1.");
  const order = new Map(numbers.orderOf(mode).map((node, at) => [node, at]));
  const sorted = consumers[i].slice().sort(([a], [b]) => order.get(a) - order.get(b));
  const waits = (child) => (order.get(child) < passed() ? undefined : "waiting");
  const body = sorted.slice(0, 100).map(([child, operand]) => {
    const passedOn = right.adjoints[child];
    return make("tr", {class: waits(child)}, make("td", {}, link(child)), make("td", {class: "adjoints"}, short(passedOn)),
      make("td", {}, short(slopes[child][operand])), make("td", {class: "adjoints"}, short(numbers.share(child, operand, passedOn))));
  });
  const more = sorted.length > 100 ? [make("tr", {}, make("td", {colspan: 4}, `… and ${sorted.length - 100} more`))] : [];
  const rest = shared.has(i) ? [make("tr", {}, make("td", {colspan: 4}, "The folded nodes use it too; their shares are not in this sum."))] : [];
  const head = ["consumer", "its adjoint", "local ∂", "product"].map((text) => make("th", {scope: "col"}, text));
  const sum = make("tr", {class: sorted.length ? waits(sorted.at(-1)[0]) : undefined}, make("td", {colspan: 3}, mode.overwrite || mode.shuffled ? "sum, as it should be" : "sum"), make("td", {class: "adjoints"}, short(right.adjoints[i])));
  return make("table", {class: "sum"}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body, ...more, ...rest), make("tfoot", {}, sum));
}
