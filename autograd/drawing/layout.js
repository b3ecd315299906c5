// Where the nodes stand: columns by the longest path, rows by barycentres, leaves just before their first consumer.

const GAP = {column: 112, row: 26, detour: 14};
const TALLEST = 40; // nodes of a column; more stand in several files, each a little further to the right
const MOST_DETOURS = 6000; // bends of long edges; beyond, edges go straight

// boxes: [{width, height}]; edges: [[from, to]], from before to. Returns {x, y, width, height, bends}: centres, and for
// each edge the points between its ends.
function layOut(boxes, edges) {
  const n = boxes.length;
  const column = new Array(n).fill(0);
  const outgoing = boxes.map(() => []);
  const hasParents = new Array(n).fill(false);
  for (const [from, to] of edges) {
    outgoing[from].push(to);
    hasParents[to] = true;
  }
  for (let i = 0; i < n; i++) for (const to of outgoing[i]) column[to] = Math.max(column[to], column[i] + 1);
  for (let i = 0; i < n; i++) {
    if (!hasParents[i] && outgoing[i].length) column[i] = Math.min(...outgoing[i].map((to) => column[to])) - 1;
  }

  // An edge over several columns bends around the nodes in between: each bend is an item of its column too.
  const items = boxes.map((box, i) => ({column: column[i], height: box.height, left: [], right: [], port: [], y: 0}));
  const detours = edges.reduce((sum, [from, to]) => sum + column[to] - column[from] - 1, 0);
  const trails = edges.map(([from, to]) => {
    const trail = [from];
    for (let c = column[from] + 1; c < column[to] && detours <= MOST_DETOURS; c++) {
      trail.push(items.push({column: c, height: 0, left: [], right: [], port: [], y: 0}) - 1);
    }
    trail.push(to);
    for (let i = 1; i < trail.length; i++) {
      items[trail[i - 1]].right.push(trail[i]);
      items[trail[i - 1]].port.push(items[trail[i]].left.push(trail[i - 1]) - 0.5); // its place among the operands
    }
    return trail;
  });

  const columns = [];
  items.forEach((item, i) => (columns[item.column] ??= []).push(i));
  const rank = new Array(items.length).fill(0);
  for (const members of columns) members.forEach((i, r) => (rank[i] = r / members.length));
  const mean = (neighbours, of) => neighbours.reduce((sum, j, k) => sum + of(j, k), 0) / neighbours.length;
  for (let sweep = 0; sweep < 12; sweep++) {
    const side = sweep % 2 ? "right" : "left";
    for (const members of sweep % 2 ? columns.slice().reverse() : columns) {
      // Of two operands of one node, the first comes first: its edge ends above the other's.
      const port = (i, j, k) => (sweep % 2 ? (items[i].port[k] / items[j].left.length - 0.5) / columns[items[j].column].length : 0);
      const at = (i) => (items[i][side].length ? mean(items[i][side], (j, k) => rank[j] + port(i, j, k)) : rank[i]);
      const key = new Map(members.map((i) => [i, at(i)]));
      members.sort((a, b) => key.get(a) - key.get(b));
      members.forEach((i, r) => (rank[i] = (r + 0.5) / members.length));
    }
  }

  const files = columns.map((members) => Math.ceil(members.filter((i) => i < n).length / TALLEST) || 1);
  for (const members of columns) spread(members, members.map(() => 0));
  for (let sweep = 0; sweep < 16; sweep++) {
    const sides = sweep < 12 ? [sweep % 2 ? "right" : "left"] : ["left", "right"];
    for (const members of sweep % 2 ? columns.slice().reverse() : columns) {
      spread(members, members.map((i) => {
        const neighbours = sides.flatMap((side) => items[i][side]);
        return neighbours.length ? mean(neighbours, (j) => items[j].y) : items[i].y;
      }));
    }
  }

  // The rows closest to `wished` (least squares) that keep order and distance: pool adjacent violators.
  function spread(members, wished) {
    const offset = [];
    let at = 0;
    const abreast = files[items[members[0]].column];
    const tallest = members.reduce((most, i) => Math.max(most, items[i].height), 0);
    const heightOf = (i) => (abreast > 1 && items[i].height ? tallest : items[i].height);
    members.forEach((i, r) => {
      if (r) {
        const [above, height] = [heightOf(members[r - 1]), heightOf(i)];
        at += ((above + height) / 2 + (above && height ? GAP.row : GAP.detour)) / abreast;
      }
      offset.push(at);
    });
    const pools = [];
    wished.forEach((y, r) => {
      let pool = {sum: y - offset[r], count: 1};
      while (pools.length && pools.at(-1).sum / pools.at(-1).count > pool.sum / pool.count) {
        const last = pools.pop();
        pool = {sum: pool.sum + last.sum, count: pool.count + last.count};
      }
      pools.push(pool);
    });
    let r = 0;
    for (const {sum, count} of pools) for (let k = 0; k < count; k++, r++) items[members[r]].y = sum / count + offset[r];
  }

  let left = 0;
  const x = new Array(items.length).fill(0);
  columns.forEach((members, c) => {
    const width = members.reduce((most, i) => Math.max(most, boxes[i]?.width ?? 0), 0);
    const stride = width + GAP.row;
    const whole = stride * (files[c] - 1) + width;
    let file = 0;
    for (const i of members) x[i] = i < n ? left + width / 2 + stride * (file++ % files[c]) : left + whole / 2;
    left += whole + GAP.column;
  });
  const top = items.reduce((least, {y, height}) => Math.min(least, y - height / 2), Infinity);
  const bottom = items.reduce((most, {y, height}) => Math.max(most, y + height / 2), -Infinity);
  return {
    x: boxes.map((_, i) => x[i]),
    y: boxes.map((_, i) => items[i].y - top),
    width: left - GAP.column,
    height: bottom - top,
    bends: trails.map((trail) => trail.slice(1, -1).map((i) => [x[i], items[i].y - top])),
  };
}
