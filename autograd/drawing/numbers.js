// The graph's numbers, computed as the engine computes them. nodes: parents before children, the root last.

const fromText = (text) => ({nan: NaN, inf: Infinity, "-inf": -Infinity})[text] ?? Number(text);
const agree = (a, b, scale = 0) => Object.is(a, b) || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b), scale);

function makeNumbers(graph, traced) {
  const {nodes} = graph;
  const recorded = Float64Array.from(nodes, (node) => fromText(node.data));
  const data = recorded.slice(); // of the leaves: as edited
  const values = recorded.slice();
  const slopes = nodes.map((node) => node.slopes?.map(fromText) ?? []);
  const interior = [];
  const consumers = nodes.map(() => []); // [child, which of its operands], in the order in which shares arrive
  nodes.forEach((node, i) => node.parents.length && interior.push(i));
  for (const child of interior.slice().reverse()) {
    nodes[child].parents.forEach((parent, operand) => consumers[parent].push([child, operand]));
  }
  const root = nodes.length - 1;

  const rules = nodes.map((node) => (node.parents.length ? ROWS[node.row] ?? traced[node.traced] ?? null : null));
  for (const i of interior) {
    // A rule of the user's that does something else on placeholders than on numbers is as good as none.
    const {traced: own, parents} = nodes[i];
    if (rules[i] && own !== undefined && !agree(rules[i].forward(...parents.map((p) => recorded[p])), recorded[i])) {
      rules[i] = null;
    }
  }
  const frozen = interior.filter((i) => !rules[i]);

  function forward() {
    nodes.forEach((node, i) => {
      if (!node.parents.length) values[i] = data[i];
      if (!rules[i]) return;
      const operands = node.parents.map((parent) => values[parent]);
      values[i] = rules[i].forward(...operands);
      slopes[i] = rules[i].partials(values[i], ...operands);
    });
    // Behind a node that its consumers did not select nothing flows, not even 0 times infinity.
    const reached = new Set([root]);
    for (const child of topological) {
      const selects = rules[child]?.selects;
      if (!reached.has(child)) slopes[child] = slopes[child].map((slope) => (Number.isFinite(slope) ? slope : 0));
      else nodes[child].parents.forEach((parent, k) => (selects && slopes[child][k] === 0) || reached.add(parent));
    }
  }

  // What a node adds to the adjoint of one of its operands.
  function share(child, operand, adjoint) {
    const slope = slopes[child][operand];
    return rules[child]?.selects && slope === 0 ? 0 : adjoint * slope;
  }

  // A queue from the result, nearest first, of two as near the older first: no topological order, where paths of
  // different length meet.
  function nearestFirst() {
    const distance = new Map([[root, 0]]);
    const queue = [root];
    for (const child of queue) {
      for (const parent of nodes[child].parents) {
        if (nodes[parent].parents.length && !distance.has(parent)) {
          distance.set(parent, distance.get(child) + 1);
          queue.push(parent);
        }
      }
    }
    return queue.sort((a, b) => distance.get(a) - distance.get(b) || a - b);
  }
  const topological = interior.slice().reverse();
  const untopological = interior.length ? nearestFirst() : [];
  const orderOf = (mode) => (mode.shuffled ? untopological : topological);

  // The first `count` nodes of the order pass their adjoints on. `right`: all adjoints of the right program, to find
  // the first node that goes wrong in a wrong one.
  function backward(mode, count, right) {
    const adjoints = new Float64Array(nodes.length);
    const arrived = new Int32Array(nodes.length);
    const before = []; // of the last node that passed its adjoint on: its parents' sums until then
    let wrong = null;
    adjoints[root] = 1;
    orderOf(mode).slice(0, count).forEach((child, step) => {
      const early = arrived[child] < consumers[child].length && !agree(adjoints[child], right?.[child]);
      if (right && !wrong && early) wrong = {node: child, step, kind: "early", had: adjoints[child]};
      nodes[child].parents.forEach((parent, operand) => {
        const added = share(child, operand, adjoints[child]);
        if (step === count - 1) before.push(adjoints[parent]);
        const loses = mode.overwrite && arrived[parent] && adjoints[parent] !== 0 && nodes[parent].kind !== "constant";
        if (right && !wrong && loses) wrong = {node: parent, step, kind: "overwritten", had: adjoints[parent]};
        adjoints[parent] = mode.overwrite ? added : adjoints[parent] + added;
        arrived[parent]++;
      });
    });
    return {adjoints, arrived, before, wrong};
  }

  forward();
  // Leaves may have been assigned after the graph was recorded.
  const moved = interior.filter((i) => !agree(values[i], recorded[i], 1e-300)).length;
  return {nodes, root, interior, consumers, recorded, data, values, slopes, frozen, moved, forward, backward, share, orderOf};
}
