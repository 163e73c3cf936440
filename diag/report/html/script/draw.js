// What uPlot does not draw: intervals, batches and requests, on the canvas of a track.

const FONT = 'system-ui,sans-serif';
const SLOW_ROWS = 12;
const SLOW_ROW_PX = 15;

// Pixels of the plot's area, and of a ns.
function area(plot) {
  const {left, top, width, height} = plot.bbox;
  const {min, max} = plot.scales.x;
  return {left, top, width, height, from: min, to: max, scale: width / (max - min)};
}

function withText(plot, size) {
  const context = plot.ctx;
  context.font = `${size * devicePixelRatio}px ${FONT}`;
  context.textBaseline = 'middle';
  context.textAlign = 'left';
  return context;
}

// A column of pixels shows the exact share of time of every class in it. Where more than one
// interval falls on three pixels, columns are wider, so that the lane reads as a chart of shares.
function drawLane(plot, data, lane, hasLabels) {
  const {left, top, width, height, from, to} = area(plot);
  const [low, high] = rowsIn(lane, from, to);
  const isDense = high - low > width / devicePixelRatio / 3;
  const step = isDense ? Math.round(6 * devicePixelRatio) : 1;
  const columns = Math.max(1, Math.ceil(width / step));
  const end = from + ((to - from) * columns * step) / width;
  const levels = data.opacity.length;
  const rows = data.order.length * levels;
  const part = shares(lane, data, from, end, columns);
  const context = plot.ctx;
  const filled = new Float32Array(columns);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  drawUnrecorded(plot, lane);
  for (let row = 0; row < rows; row += 1) {
    context.fillStyle = colors[data.order[Math.floor(row / levels)]];
    context.globalAlpha = data.opacity[row % levels];
    for (let column = 0; column < columns; ) {
      const share = part[column * rows + row];
      const base = filled[column];
      let next = column + 1; // neighbours of one height are one rectangle
      while (next < columns && part[next * rows + row] === share && filled[next] === base) next += 1;
      if (share >= 0.002) {
        const y = top + height * (1 - base - share);
        context.fillRect(left + column * step, y, (next - column) * step, height * share);
        for (let i = column; i < next; i += 1) filled[i] += share;
      }
      column = next;
    }
  }
  context.globalAlpha = 1;
  if (hasLabels && !isDense) labelIntervals(plot, data, lane, low, high);
  context.restore();
}

// Before a lane's first interval and after its last nothing was recorded.
function drawUnrecorded(plot, lane) {
  const {left, top, width, height, from, scale} = area(plot);
  const edges = lane.end.length ? [lane.start[0], lane.end[lane.end.length - 1]] : [0, 0];
  const [begin, end] = edges.map((at) => Math.max(0, Math.min(width, (at - from) * scale)));
  plot.ctx.fillStyle = colors.line;
  plot.ctx.fillRect(left, top, begin, height);
  plot.ctx.fillRect(left + end, top, width - end, height);
}

function labelIntervals(plot, data, lane, low, high) {
  const {left, top, height, from, to, scale} = area(plot);
  const context = withText(plot, 11.5);
  for (let i = low; i < high; i += 1) {
    const begin = Math.max(0, (lane.start[i] - from) * scale);
    const room = (Math.min(to, lane.end[i]) - Math.max(from, lane.start[i])) * scale;
    if (lane.density[i] < 1 || room < 24 * devicePixelRatio) continue;
    const name = data.classes[lane.state[i]];
    context.fillStyle = colors.bg;
    context.fillRect(left + begin, top, 1.5 * devicePixelRatio, height);
    const state = data.states[lane.state[i]];
    const time = duration(lane.end[i] - lane.start[i]);
    const words = [`${state}  ${time}`, state, time];
    const text = words.find((each) => context.measureText(each).width < room - 12 * devicePixelRatio);
    if (!text) continue;
    const x = left + begin + 6 * devicePixelRatio;
    if (lane.sure[i] || data.hatched[name]) plate(context, data, name, text, x, top + height / 2);
    context.fillStyle = name === 'none' ? colors.mute : colors[`on-${name}`];
    context.fillText(text, x, top + height / 2);
  }
}

// Text on a hatch, or on a pale colour, stands on the plain one.
function plate(context, data, name, text, x, y) {
  const width = context.measureText(text).width;
  context.fillStyle = colors[data.hatched[name] || name];
  context.fillRect(x - 3, y - 9 * devicePixelRatio, width + 6, 18 * devicePixelRatio);
}

// A batch: pale for its time, filled up to its rows of the most rows of any batch.
function drawBatches(plot, data, batches) {
  const {left, top, height, from, to, scale} = area(plot);
  const row = height / batches.lanes;
  const context = withText(plot, 11);
  const drawn = Array.from({length: batches.lanes}, () => ({x: -1, filled: 0}));
  for (let i = 0; i < batches.start.length && batches.start[i] < to; i += 1) {
    if (batches.end[i] <= from) continue;
    const x = left + (Math.max(from, batches.start[i]) - from) * scale;
    const width = Math.max(1, (Math.min(to, batches.end[i]) - Math.max(from, batches.start[i])) * scale - 1);
    const y = top + batches.lane[i] * row + 1;
    const full = batches.most > 0 ? Math.min(1, Math.max(0, batches.rows[i]) / batches.most) : 0;
    const filled = Math.max(2, (row - 2) * full);
    if (width <= 1) { // of those that share a pixel the fullest shows
      const last = drawn[batches.lane[i]];
      if (last.x === Math.floor(x) && last.filled >= filled) continue;
      Object.assign(last, {x: Math.floor(x), filled});
    }
    const name = batches.classes[batches.reason[i]];
    context.fillStyle = colors[data.hatched[name] || name];
    context.globalAlpha = 0.22;
    context.fillRect(x, y, width, row - 2);
    context.globalAlpha = 1;
    context.fillRect(x, y + row - 2 - filled, width, filled);
    if (row < 13 * devicePixelRatio || width < 14 * devicePixelRatio || batches.rows[i] < 0) continue;
    const rows = counted(batches.rows[i], 'row', 'rows');
    const words = [`${rows}, ${batches.reasons[batches.reason[i]]}`, `${batches.rows[i]}`];
    const text = words.find((each) => context.measureText(each).width < width - 8 * devicePixelRatio);
    if (!text) continue;
    const isInside = filled > 13 * devicePixelRatio;
    context.fillStyle = isInside ? colors[`on-${name}`] : colors.ink;
    const middle = isInside ? row - 2 - filled / 2 : (row - 2 - filled) / 2;
    context.fillText(text, x + 4 * devicePixelRatio, y + middle);
  }
}

// The slowest in view, one a row; lengths are right, the order is that of the path.
function drawSlowest(plot, spans) {
  const {left, top, width, from, to, scale} = area(plot);
  const context = withText(plot, 11);
  const row = SLOW_ROW_PX * devicePixelRatio;
  longestIn(spans, from, to, SLOW_ROWS).forEach((index, n) => {
    const y = top + n * row + 2;
    let at = spans.start[index];
    if ((spans.end[index] - at) * scale < 2) { // too short for its stages
      context.fillStyle = colors.mute;
      context.fillRect(left + (at - from) * scale, y, 2, row - 4);
    }
    spans.stages.forEach((_, stage) => {
      const begin = Math.max(from, at);
      at += spans.times[stage][index];
      const length = (Math.min(to, at) - begin) * scale;
      if (length < 0.3) return;
      context.fillStyle = colors[spans.classes[stage]];
      context.fillRect(left + (begin - from) * scale, y, Math.max(1, length), row - 4);
    });
    const text = duration(spans.end[index] - spans.start[index]);
    const end = (spans.end[index] - from) * scale;
    const begin = (spans.start[index] - from) * scale;
    const room = context.measureText(text).width + 10 * devicePixelRatio;
    context.fillStyle = colors.mute;
    if (end + room < width) context.fillText(text, left + end + 5 * devicePixelRatio, y + row / 2 - 2);
    else if (begin > room) context.fillText(text, left + begin - room + 5 * devicePixelRatio, y + row / 2 - 2);
  });
}

// All spans in one row: the overview where there is no lane.
function drawStrip(plot, spans) {
  const {left, top, height, from, to, scale} = area(plot);
  for (const index of longestIn(spans, from, to, spans.start.length)) {
    let at = spans.start[index];
    spans.stages.forEach((_, stage) => {
      const begin = at;
      at += spans.times[stage][index];
      plot.ctx.fillStyle = colors[spans.classes[stage]];
      plot.ctx.fillRect(left + (begin - from) * scale, top, (at - begin) * scale, height);
    });
  }
}

// Marks of the longest idle stretches, so that they show at any zoom.
function drawMarks(plot, stretches) {
  const {left, top, width, height, from, to, scale} = area(plot);
  plot.ctx.fillStyle = colors.ink;
  for (const [begin, end] of stretches) {
    if (end <= from || begin >= to) continue;
    const x = Math.max(0, (begin - from) * scale);
    const long = Math.max(3 * devicePixelRatio, (end - Math.max(from, begin)) * scale);
    plot.ctx.fillRect(left + x, top, Math.min(long, width - x), height);
  }
}

function drawMost(plot, text) {
  const context = withText(plot, 11);
  const {left, top} = plot.bbox;
  const size = (px) => px * devicePixelRatio;
  context.fillStyle = colors.bg;
  context.fillRect(left + size(3), top + size(2), context.measureText(text).width + size(6), size(14));
  context.fillStyle = colors.mute;
  context.fillText(text, left + size(6), top + size(9.5));
}
