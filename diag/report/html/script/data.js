// What the timeline draws, decoded from the page's JSON. Times are ns from the window's start.

function running(deltas) {
  let sum = 0;
  return Float64Array.from(deltas, (delta) => (sum += delta));
}

function spansOf(node) {
  const start = running(node.start);
  const end = Float64Array.from(start, (from, i) => from + node.length[i]);
  return {...node, start, end};
}

// Rows tile the window. A row whose time is less than its length is one state of a block of short
// intervals, summed: it has the same start and end as the other states of its block.
function laneOf(node) {
  const spans = spansOf(node);
  const density = Float64Array.from(spans.start, (from, i) => {
    const length = spans.end[i] - from;
    return node.time[i] && length > 0 ? node.time[i] / length : 1;
  });
  return {...spans, density};
}

function readData() {
  const source = document.getElementById('timeline-data');
  if (!source) return null;
  const data = JSON.parse(source.textContent);
  data.lanes = data.lanes.map(laneOf);
  data.batches = data.batches.map(spansOf);
  data.spans = data.spans.map(spansOf);
  for (const name of ['levels', 'samples']) {
    data[name] = data[name].map((each) => ({...each, time: running(each.time)}));
  }
  return data;
}

// The first index whose value is greater than `at`.
function after(values, at) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The part of a span in which a lane was recorded.
function recordedIn(lane, from, to) {
  const last = lane.end.length - 1;
  return last < 0 ? 0 : Math.max(0, Math.min(to, lane.end[last]) - Math.max(from, lane.start[0]));
}

// Indices of the rows of a lane in a span: its ends ascend as its starts do.
function rowsIn(lane, from, to) {
  let low = after(lane.end, from);
  while (low > 0 && lane.end[low - 1] > from) low -= 1;
  return [low, Math.max(low, after(lane.start, to))];
}

// Time of each state of a lane in a span, exact but for the blocks that the span cuts.
function timeByState(lane, from, to, states) {
  const sums = new Float64Array(states);
  const [low, high] = rowsIn(lane, from, to);
  for (let i = low; i < high; i += 1) {
    const time = Math.min(to, lane.end[i]) - Math.max(from, lane.start[i]);
    if (time > 0) sums[lane.state[i]] += time * lane.density[i];
  }
  return sums;
}

// Share of time of each class and confidence in each of equal columns, as one flat array.
function shares(lane, data, from, to, columns) {
  const levels = data.opacity.length;
  const rows = data.order.length * levels;
  const out = new Float32Array(columns * rows);
  const scale = columns / (to - from);
  const [low, high] = rowsIn(lane, from, to);
  for (let i = low; i < high; i += 1) {
    const begin = Math.max(0, (lane.start[i] - from) * scale);
    const end = Math.min(columns, (lane.end[i] - from) * scale);
    const row = data.classOf[lane.state[i]] * levels + lane.sure[i];
    if (row < 0 || end <= begin) continue;
    for (let column = Math.floor(begin); column < end; column += 1) {
      const part = Math.min(end, column + 1) - Math.max(begin, column);
      out[column * rows + row] += part * lane.density[i];
    }
  }
  return out;
}

// Of all spans that overlap a view, the longest; in the order of their starts.
function longestIn(spans, from, to, most) {
  const found = [];
  for (let i = 0; i < spans.start.length && spans.start[i] < to; i += 1) {
    if (spans.end[i] > from) found.push(i);
  }
  const length = (i) => spans.end[i] - spans.start[i];
  return found.sort((a, b) => length(b) - length(a)).slice(0, most).sort((a, b) => a - b);
}
