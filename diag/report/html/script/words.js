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
  return `${withDecimals(decimals).format(ns / 1e6)} ms`;
}

const formats = new Map();

// Making a format takes longer than a hundred uses of it.
function withDecimals(n) {
  if (!formats.has(n)) formats.set(n, new Intl.NumberFormat('en', {minimumFractionDigits: n, maximumFractionDigits: n}));
  return formats.get(n);
}

const percent = (ratio) => `${(100 * ratio).toFixed(1)}%`;

function counted(n, one, many) {
  return `${withDecimals(0).format(n)} ${n === 1 ? one : many}`;
}

function viewWords(data, from, to) {
  const words = data.lanes.map((lane) => laneWords(data, lane, from, to));
  const side = (each) => (each.side ? `${each.side}: ` : '');
  for (const spans of data.spans) {
    if (spans.note) continue;
    words.push(side(spans) + counted(overlapping(spans, from, to), spans.what.replace(/s$/, ''), spans.what));
  }
  for (const batches of data.batches) {
    if (!batches.note) words.push(side(batches) + counted(overlapping(batches, from, to), 'batch', 'batches'));
  }
  return `${words.join('; ')}.`;
}

function laneWords(data, lane, from, to) {
  const recorded = recordedIn(lane, from, to);
  if (!recorded) return `${lane.name} not recorded`;
  const sums = timeByState(lane, from, to, data.states.length);
  const busy = data.states.indexOf('busy');
  const idle = [...sums.keys()].filter((i) => i !== busy && sums[i] > 0);
  idle.sort((a, b) => sums[b] - sums[a]);
  const causes = idle.slice(0, 3).map((i) => `${data.states[i]} ${percent(sums[i] / recorded)}`);
  const rest = causes.length ? `, idle: ${causes.join(', ')}` : '';
  return `${lane.name} busy ${percent(busy < 0 ? 0 : sums[busy] / recorded)}${rest}`;
}

function overlapping(spans, from, to) {
  let n = 0;
  for (let i = 0; i < spans.start.length && spans.start[i] < to; i += 1) n += spans.end[i] > from;
  return n;
}

function pointWords(data, at, span) {
  const words = data.lanes.map((lane) => {
    const [low] = rowsIn(lane, at, at);
    if (!recordedIn(lane, at, at + 1) || low >= lane.start.length) return `${lane.name}: not recorded`;
    if (lane.density[low] < 1) return `${lane.name}: short intervals, shown as sums`;
    const state = data.states[lane.state[low]];
    const sure = state === 'busy' ? '' : `, ${data.confidences[lane.sure[low]]} confidence`;
    return `${lane.name}: ${state} for ${duration(lane.end[low] - lane.start[low])}${sure}`;
  });
  for (const levels of data.levels) {
    const index = after(levels.time, at) - 1;
    const value = (values) => (index < 0 ? 0 : Number(values[index].toFixed(2)));
    const side = levels.side ? `${levels.side}: ` : '';
    words.push(`${side}${value(levels.in_flight)} in flight, ${value(levels.queued)} queued`);
  }
  for (const batches of data.batches) {
    const taken = batches.note ? '' : batchWords(batches, at);
    if (taken) words.push(batches.side ? `${batches.side}: ${taken}` : taken);
  }
  return `At ${place(at, span)}: ${words.join('; ')}.`;
}

// The batches that run at a time.
function batchWords(batches, at) {
  const found = [];
  for (let i = 0; i < batches.start.length && batches.start[i] <= at; i += 1) {
    if (batches.end[i] <= at || batches.rows[i] < 0) continue;
    found.push(`batch of ${counted(batches.rows[i], 'row', 'rows')} (${batches.reasons[batches.reason[i]]})`);
  }
  return found.join(' and ');
}
