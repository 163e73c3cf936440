// The tab: choose runs, wait for the report, show it, and lead to the profile plugin's trace viewer.
// Texts from the server are only ever set as text.
const POLL_MS = 500;
const RUNS_MS = 30_000;
const KINDS = {finding: 'Findings', idle: 'Longest idle time', request: 'Slowest requests'};

const element = (id) => document.getElementById(id);
const [run, other, status, report, spots] =
  ['run', 'other', 'status', 'report', 'spots'].map(element);
let turn = 0; // of the last choice: answers to earlier ones are dropped
let hasProfilePlugin = false;

function say(text, isFailure = false) {
  status.textContent = text;
  status.classList.toggle('failed', isFailure);
}

async function ask(path, options) {
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? `status ${response.status}`);
  return answer;
}

const keyOf = (each) => JSON.stringify([each.run, each.host]);

function optionOf(each, isAlone) {
  const option = document.createElement('option');
  option.value = keyOf(each);
  option.textContent = (isAlone ? each.run : `${each.run} · ${each.host}`) +
    (each.is_bundle ? '' : ' (trace only)');
  return option;
}

function fill(select, runs, first) {
  const chosen = select.value;
  const counts = new Map();
  for (const each of runs) counts.set(each.run, (counts.get(each.run) ?? 0) + 1);
  const options = runs.map((each) => optionOf(each, counts.get(each.run) === 1));
  if (first !== undefined) options.unshift(new Option(first, ''));
  select.replaceChildren(...options);
  select.value = chosen;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}

function queryOf() {
  const query = new URLSearchParams();
  const [name, host] = JSON.parse(run.value);
  query.set('run', name);
  query.set('host', host);
  if (other.value) {
    const [withName, withHost] = JSON.parse(other.value);
    query.set('with_run', withName);
    query.set('with_host', withHost);
  }
  return query;
}

async function show() {
  const mine = ++turn;
  const query = queryOf();
  history.replaceState(null, '', `#${query}`);
  report.hidden = true;
  spots.hidden = true;
  spots.open = false;
  say('Waiting for the report.');
  try {
    let state = await ask(`start?${query}`, {method: 'POST', headers: {'X-Diag-Request': '1'}});
    while (mine === turn && state.state === 'running') {
      say(`${state.step} (${state.seconds.toFixed(0)} s)`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      state = await ask(`state?${query}`);
    }
    if (mine !== turn) return;
    if (state.state !== 'done') throw new Error(state.error ?? 'the report was forgotten: choose the run again');
    say('');
    report.src = `report?${query}`;
    report.hidden = false;
    listSpots(state.spots);
  } catch (error) {
    if (mine === turn) say(error.message, true);
  }
}

function listSpots(found) {
  const list = element('spot-list');
  list.replaceChildren();
  let kind = '';
  for (const spot of found) {
    if (spot.kind !== kind) {
      kind = spot.kind;
      const heading = document.createElement('h2');
      heading.textContent = KINDS[kind] ?? kind;
      const item = document.createElement('li');
      item.className = 'heading';
      item.append(heading);
      list.append(item);
    }
    const item = document.createElement('li');
    if (hasProfilePlugin) {
      const link = document.createElement('a');
      link.href = spot.path;
      link.target = '_blank';
      link.rel = 'noopener';
      link.textContent = spot.text;
      item.append(link);
    } else {
      item.textContent = spot.text;
    }
    list.append(item);
  }
  element('spots-note').textContent = hasProfilePlugin
    ? 'Each opens the profile plugin\'s trace viewer at that time, in a new tab.'
    : 'The profile plugin, which has the trace viewer, is not installed: pip install xprof.';
  spots.hidden = found.length === 0;
}

async function refresh() {
  const {runs, problem} = await ask('runs');
  runs.reverse(); // the newest first, as the profile plugin lists them
  const before = run.value;
  fill(run, runs);
  fill(other, runs, 'no other run');
  if (!runs.length) say(problem || 'No profile below the log directory yet.', Boolean(problem));
  return runs.length > 0 && run.value !== before;
}

function chooseFromHash() {
  const query = new URLSearchParams(location.hash.slice(1));
  if (query.has('run')) run.value = keyOf({run: query.get('run'), host: query.get('host') ?? ''});
  if (query.has('with_run')) {
    other.value = keyOf({run: query.get('with_run'), host: query.get('with_host') ?? ''});
  }
  if (run.selectedIndex < 0) run.selectedIndex = 0;
  if (other.selectedIndex < 0) other.selectedIndex = 0;
}

async function begin() {
  try {
    const plugins = await ask('../../plugins_listing');
    hasProfilePlugin = Boolean(plugins.profile?.enabled);
  } catch {
    hasProfilePlugin = false;
  }
  try {
    if (await refresh()) {
      chooseFromHash();
      await show();
    }
  } catch (error) {
    say(error.message, true);
  }
}

run.addEventListener('change', show);
other.addEventListener('change', show);
setInterval(async () => {
  try {
    if (await refresh()) await show();
  } catch (error) {
    say(error.message, true);
  }
}, RUNS_MS);
begin();
