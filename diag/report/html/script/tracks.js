// The tracks: each a plot of its own on the common axis.

const LANE_PX = 58;
const LEVEL_PX = 54;
const SAMPLE_PX = 42;
const BATCH_PX = 24;
const BATCHES_PX_MAX = 160;
const OVERVIEW_PX = 24;
const RULER_PX = 30;
const STEPS_NS = [];
for (let size = 1; size <= 1e12; size *= 10) STEPS_NS.push(size, 2 * size, 5 * size);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

class Tracks {
  constructor(host, data, view, onPoint, onPick) {
    this.host = host;
    this.data = data;
    this.view = view;
    this.onPoint = onPoint;
    this.onPick = onPick;
    this.plots = [];
    this.addOverview();
    this.addRuler();
    data.lanes.forEach((lane) => this.addLane(lane));
    data.samples.filter((each) => each.source !== 'host').forEach((each) => this.addSamples(each));
    data.levels.forEach((each) => this.addLevels(each));
    data.batches.forEach((each) => this.addBatches(each));
    data.samples.filter((each) => each.source === 'host').forEach((each) => this.addSamples(each));
    data.spans.forEach((each) => this.addSlowest(each));
    view.listeners.push(() => this.follow());
    new ResizeObserver(() => this.resize()).observe(host);
    this.observer = new IntersectionObserver((entries) => this.sight(entries), {rootMargin: '50%'});
    this.plots.forEach((plot) => this.observer.observe(plot.root));
  }

  addOverview() {
    const {data, view} = this;
    const draw = (plot) => {
      if (data.lanes.length) drawLane(plot, data, data.lanes[0], false);
      else drawStrip(plot, data.spans[0]);
    };
    const plot = this.add('whole window', '', OVERVIEW_PX, {draw, isWhole: true});
    this.brush = element('div', {class: 'brush', hidden: ''});
    plot.over.append(this.brush);
    view.listeners.push(() => {
      this.brush.hidden = view.isWhole;
      this.brush.style.left = `${(100 * view.from) / view.window}%`;
      this.brush.style.width = `${Math.max(0.2, (100 * view.span) / view.window)}%`;
    });
  }

  addRuler() {
    const draw = (plot) => drawMarks(plot, this.data.stretches);
    this.add('', '', RULER_PX, {draw, hasTimes: true});
  }

  addLane(lane) {
    const draw = (plot) => drawLane(plot, this.data, lane, true);
    const plot = this.add(lane.name, 'busy, or idle by cause', LANE_PX, {draw});
    let pressed = 0;
    plot.over.addEventListener('mousedown', (event) => (pressed = event.clientX));
    plot.over.addEventListener('click', (event) => {
      if (Math.abs(event.clientX - pressed) < 3) this.onPick(lane, plot.posToVal(event.offsetX, 'x'));
    });
  }

  addLevels(levels) {
    const values = [levels.in_flight, levels.queued];
    const series = [
      {stroke: () => colors.edge, fill: () => faint(colors.ink, 0.14)},
      {stroke: () => 'transparent', fill: () => faint(colors.fill, 0.75)},
    ];
    if (levels.peak) {
      values.unshift(levels.peak);
      series.unshift({stroke: () => faint(colors.ink, 0.25), fill: () => faint(colors.ink, 0.1)});
    }
    const options = {align: 1, most: levels.most};
    this.addSteps(titled(levels, 'Requests'), 'in flight, and queued', LEVEL_PX, levels.time, values, series, options);
  }

  // Drawn back to the sample before: a sample is a mean over the time since then.
  addSamples(samples) {
    if (!samples.time.length) {
      this.addAbsent(samples.title, samples.note);
      return;
    }
    const isDevice = samples.source !== 'host';
    const color = () => (isDevice ? colors.busy : colors.ink);
    const series = [{stroke: color, fill: () => faint(color(), 0.16)}];
    const options = {align: -1, most: samples.most, unit: samples.unit};
    this.addSteps(samples.title, 'as sampled', SAMPLE_PX, samples.time, [samples.value], series, options);
  }

  addSteps(title, about, height, time, values, series, {align, most, unit = ''}) {
    const paths = uPlot.paths.stepped({align});
    this.add(title, about, height, {
      columns: [time, ...values],
      series: series.map((each) => ({...each, paths, width: 1, points: {show: false}})),
      most,
      draw: (plot) => drawMost(plot, `${most}${unit}`),
    });
  }

  addBatches(batches) {
    const height = Math.min(BATCHES_PX_MAX, BATCH_PX * batches.lanes);
    const about = batches.most > 0 ? `height: rows of ${batches.most}` : 'from dequeue to done';
    this.add(titled(batches, 'Batches'), about, height, {draw: (plot) => drawBatches(plot, this.data, batches)});
  }

  addSlowest(spans) {
    const height = SLOW_ROWS * SLOW_ROW_PX;
    const title = titled(spans, `Slowest ${spans.what}`);
    this.add(title, `up to ${SLOW_ROWS} in view, by stage`, height, {draw: (plot) => drawSlowest(plot, spans)});
  }

  addAbsent(title, reason) {
    const plot = element('div', {class: 'plot absent'}, reason);
    this.host.append(element('div', {class: 'track'}, label(title, 'as sampled'), plot));
  }

  add(title, about, height, {draw, columns, series = [{}], most = 1, isWhole = false, hasTimes = false}) {
    const {data, view} = this;
    const holder = element('div', {class: 'plot'});
    this.host.append(element('div', {class: 'track'}, label(title, about), holder));
    const grid = {stroke: () => colors.line, width: 1};
    const axis = {space: 90, incrs: STEPS_NS, stroke: () => colors.mute, font: `11.5px ${FONT}`};
    const times = {...axis, side: 0, size: RULER_PX - 5, gap: 3, grid: {show: false}, ticks: {show: false}};
    const lines = {...axis, size: 0, grid, ticks: {show: false}, values: (_, splits) => splits.map(() => '')};
    const isCut = (self, at) => Math.abs(self.valToPos(at, 'x') - self.width / 2) > self.width / 2 - 30;
    const values = (self, splits) => splits.map((at) => (isCut(self, at) ? '' : place(at, view.span)));
    const plot = new uPlot(
      {
        width: Math.max(1, holder.clientWidth),
        height,
        padding: [0, 0, 0, 0],
        legend: {show: false},
        pxAlign: 0,
        cursor: {
          y: false,
          points: {show: false},
          drag: {x: true, y: false, setScale: false, dist: 3},
          bind: {dblclick: () => null},
          sync: isWhole ? undefined : {key: 'timeline', filters: {pub: (type) => type.startsWith('mousemove') || type === 'mouseleave'}},
        },
        scales: {
          x: {time: false, auto: false, range: () => (isWhole ? [0, view.window] : [view.from, view.to])},
          y: {auto: false, range: [0, most]},
        },
        axes: [hasTimes ? {...times, values} : lines, {show: false}],
        series: [{}, ...series],
        hooks: {drawAxes: columns ? [] : [draw], draw: columns ? [draw] : [], setSelect: [(self) => this.selected(self)]},
      },
      columns || [[0, view.window], [null, null]],
      holder,
    );
    plot.over.addEventListener('dblclick', () => view.showAll());
    plot.over.addEventListener('wheel', (event) => this.wheel(event, plot, isWhole), {passive: false});
    plot.over.addEventListener('mousemove', (event) => this.onPoint(plot.posToVal(event.offsetX, 'x')));
    plot.isWhole = isWhole;
    plot.fixedHeight = height;
    this.plots.push(plot);
    return plot;
  }

  selected(plot) {
    const {left, width} = plot.select;
    if (width < 3) return;
    this.view.set(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
    plot.setSelect({left: 0, width: 0, top: 0, height: 0}, false);
  }

  // A plain wheel scrolls the page.
  wheel(event, plot, isWhole) {
    const {view} = this;
    const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (event.ctrlKey || event.metaKey) {
      const at = isWhole ? undefined : plot.posToVal(event.offsetX, 'x');
      view.zoom(Math.exp(Math.max(-100, Math.min(100, event.deltaY)) * 0.004), at);
    } else if (isSideways) view.pan((event.deltaX || event.deltaY) / 900);
    else return;
    event.preventDefault();
  }

  // What is far from the screen is drawn when it comes near.
  sight(entries) {
    for (const {target, isIntersecting} of entries) {
      const plot = this.plots.find((each) => each.root === target);
      plot.isFar = !isIntersecting;
      if (isIntersecting) this.followOne(plot);
    }
  }

  follow() {
    this.plots.forEach((plot) => this.followOne(plot));
  }

  followOne(plot) {
    const {from, to} = this.view;
    const {min, max} = plot.scales.x;
    if (plot.isWhole || plot.isFar || (min === from && max === to)) return;
    plot.setScale('x', {min: from, max: to});
  }

  resize() {
    for (const plot of this.plots) {
      const width = plot.root.parentElement.clientWidth;
      if (width && width !== plot.width) plot.setSize({width, height: plot.fixedHeight});
    }
  }

  repaint() {
    this.plots.forEach((plot) => plot.redraw(false));
  }
}

// Of a comparison, with the side.
function titled(node, title) {
  return node.side ? `${node.side}: ${title.charAt(0).toLowerCase()}${title.slice(1)}` : title;
}

function label(title, about) {
  return element('div', {class: 'label'}, element('b', {}, title), element('span', {}, about));
}

function faint(color, alpha) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `rgba(${red},${green},${blue},${alpha})`;
}
