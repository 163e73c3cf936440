// Buttons, keys, links and touch of the timeline.

const GAPS = 50;
const SLOWEST = 12;
const KEYS = {
  '+': 'closer', '=': 'closer', '-': 'wider', ArrowLeft: 'left', ArrowRight: 'right',
  0: 'all', Escape: 'all', g: 'gap', G: 'lastGap', s: 'slow', S: 'lastSlow',
};

function startTimeline(data) {
  readColors(data);
  const view = new View(data.window);
  const host = document.getElementById('tl');
  const inView = element('p', {class: 'in-view'});
  const atPoint = element('p', {class: 'at-point mute'}, HINT);
  const range = element('p', {class: 'range-in-view'});
  const status = element('p', {role: 'status', class: 'vh'});
  const body = element('div', {class: 'tracks', tabindex: '0', role: 'group', 'aria-label': LABEL});
  const say = (text) => {
    atPoint.textContent = text;
    status.textContent = text;
  };
  const commands = commandsOf(data, view, say);
  const run = (name) => {
    commands[name]();
    const isSearch = /gap|slow/i.test(name);
    if (!isSearch) status.textContent = viewWords(data, view.from, view.to);
  };
  host.hidden = false; // before the tracks are made: they take its width
  host.append(toolbar(run, range, view), inView, atPoint, body, status);
  const showPoint = (at) => (atPoint.textContent = pointWords(data, at, view.span));
  const tracks = new Tracks(body, data, view, showPoint, (lane, at) => {
    const [low] = rowsIn(lane, at, at);
    if (low < lane.start.length && lane.density[low] === 1) view.show(lane.start[low], lane.end[low]);
  });
  view.listeners.push(() => {
    const name = `${place(view.from, view.span)} to ${place(view.to, view.span)}`;
    range.textContent = `${name} (${duration(view.span)})`;
    inView.textContent = `In view: ${viewWords(data, view.from, view.to)}`;
  });
  body.addEventListener('keydown', (event) => {
    const name = KEYS[event.key];
    if (!name || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    run(name);
  });
  pinch(body, view);
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-t]');
    if (!link) return;
    event.preventDefault();
    const [from, to] = link.dataset.t.split('-').map((ms) => Number(ms) * 1e6);
    view.show(from, to);
    document.getElementById('timeline').scrollIntoView();
    body.focus({preventScroll: true});
    status.textContent = viewWords(data, from, to);
  });
  const followHash = () => view.readHash() && document.getElementById('timeline').scrollIntoView();
  addEventListener('hashchange', followHash);
  if (!followHash()) view.set(0, data.window, {keepsAddress: true});
  document.getElementById('tl-static').hidden = true;
  return () => {
    readColors(data);
    tracks.repaint();
  };
}

const HINT = 'Drag over a track to zoom, click an interval to see it whole, Ctrl and wheel to zoom at the pointer, Shift and wheel to move.';
const LABEL =
  'Timeline. Keys: plus and minus zoom, left and right move, 0 shows all, g the next idle stretch, s the next slow request.';

// Idle stretches with requests waiting, the longest of all lanes, in time order.
function stretchesOf(data, most) {
  const found = [];
  for (const lane of data.lanes) {
    for (let i = 0; i < lane.start.length; i += 1) {
      const state = data.states[lane.state[i]];
      if (lane.density[i] === 1 && data.isWait[lane.state[i]]) found.push([lane.start[i], lane.end[i], lane.name, state]);
    }
  }
  const length = (each) => each[1] - each[0];
  return found.sort((a, b) => length(b) - length(a)).slice(0, most).sort((a, b) => a[0] - b[0]);
}

function commandsOf(data, view, say) {
  const gaps = stretchesOf(data, GAPS);
  const slow = data.spans
    .flatMap((spans) => longestIn(spans, -Infinity, Infinity, SLOWEST).map((i) => ({spans, from: spans.start[i], to: spans.end[i]})))
    .sort((a, b) => b.to - b.from - (a.to - a.from))
    .slice(0, SLOWEST);
  let gap = -1;
  let request = -1;
  const goToGap = (step) => {
    if (!gaps.length) return say('No idle stretch with requests waiting.');
    gap = (gap + step + gaps.length) % gaps.length;
    const [from, to, lane, state] = gaps[gap];
    view.show(from, to);
    return say(`Idle stretch ${gap + 1} of the ${gaps.length} longest: ${lane}, ${state}, ${duration(to - from)} from ${place(from, to - from)}.`);
  };
  const goToSlow = (step) => {
    if (!slow.length) return say('No request is shown.');
    request = (request + step + slow.length) % slow.length;
    const {spans, from, to} = slow[request];
    view.show(from, to);
    const side = spans.side ? `${spans.side}, ` : '';
    return say(`Number ${request + 1} of the ${slow.length} slowest ${spans.what}: ${side}${duration(to - from)} from ${place(from, to - from)}.`);
  };
  return {
    closer: () => view.zoom(0.5),
    wider: () => view.zoom(2),
    left: () => view.pan(-0.3),
    right: () => view.pan(0.3),
    all: () => view.showAll(),
    gap: () => goToGap(1),
    lastGap: () => goToGap(gap < 0 ? 0 : -1),
    slow: () => goToSlow(1),
    lastSlow: () => goToSlow(request < 0 ? 0 : -1),
  };
}

function toolbar(run, range, view) {
  const button = (name, text, about) => {
    const named = text.length === 1 ? {'aria-label': about} : {};
    const made = element('button', {type: 'button', title: about, ...named}, text);
    made.addEventListener('click', () => run(name));
    return made;
  };
  const copy = element('button', {type: 'button'}, 'Copy link');
  copy.addEventListener('click', async () => {
    const done = (text) => {
      copy.textContent = text;
      setTimeout(() => (copy.textContent = 'Copy link'), 1500);
    };
    history.replaceState(null, '', view.hash);
    try {
      await navigator.clipboard.writeText(location.href);
      done('Copied');
    } catch {
      done('See the address bar');
    }
  });
  return element(
    'div',
    {class: 'toolbar'},
    button('gap', 'Next idle stretch', 'Next idle stretch with requests waiting (g)'),
    button('slow', 'Next slow request', 'Next of the slowest requests (s)'),
    range,
    button('wider', '−', 'Zoom out (-)'),
    button('closer', '+', 'Zoom in (+)'),
    button('left', '←', 'Earlier (left arrow)'),
    button('right', '→', 'Later (right arrow)'),
    button('all', 'Show all', 'Show the whole window (0)'),
    copy,
  );
}

// Two fingers zoom; one scrolls the page.
function pinch(body, view) {
  const fingers = new Map();
  const distance = () => {
    const [one, other] = [...fingers.values()];
    return Math.max(20, Math.abs(one - other));
  };
  let before = 0;
  body.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'touch') return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size === 2) before = distance();
  });
  body.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size !== 2) return;
    view.zoom(before / distance());
    before = distance();
  });
  for (const type of ['pointerup', 'pointercancel']) {
    body.addEventListener(type, (event) => fingers.delete(event.pointerId));
  }
}
