// Numbers and sentences, written as everywhere in diag: three significant digits, a unit that fits.

function digits(value) {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return size >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function duration(ns) {
  for (const [unit, size] of [['s', 1e9], ['ms', 1e6], ['µs', 1e3]]) {
    if (Math.abs(ns) >= size * 0.9995) return `${digits(ns / size)} ${unit}`;
  }
  return `${Math.round(ns)} ns`;
}

// A place on the axis, with as many digits as a view of `span` ns needs.
function place(ns, span) {
  const decimals = Math.max(0, Math.min(6, 8 - Math.ceil(Math.log10(Math.max(1, span)))));
  return `${(ns / 1e6).toLocaleString('en', {minimumFractionDigits: decimals, maximumFractionDigits: decimals})} ms`;
}

const percent = (ratio) => `${(100 * ratio).toFixed(1)}%`;

function counted(n, one, many) {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

function viewWords(data, from, to) {
  const words = data.lanes.map((lane) => laneWords(data, lane, from, to));
  if (data.spans && !data.spans.note) {
    const what = data.spans.what;
    words.push(counted(overlapping(data.spans, from, to), what.replace(/s$/, ''), what));
  }
  if (data.batches && !data.batches.note) {
    words.push(counted(overlapping(data.batches, from, to), 'batch', 'batches'));
  }
  return `${words.join('; ')}.`;
}

function laneWords(data, lane, from, to) {
  const sums = timeByState(lane, from, to, data.states.length);
  const busy = data.states.indexOf('busy');
  const idle = [...sums.keys()].filter((i) => i !== busy && sums[i] > 0);
  idle.sort((a, b) => sums[b] - sums[a]);
  const causes = idle.slice(0, 3).map((i) => `${data.states[i]} ${percent(sums[i] / (to - from))}`);
  const rest = causes.length ? `, idle: ${causes.join(', ')}` : '';
  return `${lane.name} busy ${percent(busy < 0 ? 0 : sums[busy] / (to - from))}${rest}`;
}

function overlapping(spans, from, to) {
  let n = 0;
  for (let i = 0; i < spans.start.length && spans.start[i] < to; i += 1) n += spans.end[i] > from;
  return n;
}

function pointWords(data, at, span) {
  const words = data.lanes.map((lane) => {
    const [low] = rowsIn(lane, at, at);
    if (low >= lane.start.length) return `${lane.name}: outside of its window`;
    if (lane.density[low] < 1) return `${lane.name}: short intervals, shown as sums`;
    return `${lane.name}: ${data.states[lane.state[low]]} for ${duration(lane.end[low] - lane.start[low])}`;
  });
  const levels = data.levels;
  if (levels && levels.time.length) {
    const index = after(levels.time, at) - 1;
    const value = (values) => (index < 0 ? 0 : Number(values[index].toFixed(2)));
    words.push(`${value(levels.in_flight)} in flight, ${value(levels.queued)} queued`);
  }
  return `At ${place(at, span)}: ${words.join('; ')}.`;
}
