// The page around the timeline: theme, current section, wide tables.

let repaint = () => {};

function startTheme() {
  const names = ['System', 'Light', 'Dark'];
  const button = document.getElementById('theme');
  let chosen = 0;
  button.hidden = false;
  button.addEventListener('click', () => {
    chosen = (chosen + 1) % names.length;
    button.textContent = `Theme: ${names[chosen]}`;
    if (chosen) document.documentElement.dataset.theme = names[chosen].toLowerCase();
    else delete document.documentElement.dataset.theme;
    repaint();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => repaint());
  matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', () => repaint());
}

function startSections() {
  const links = new Map([...document.querySelectorAll('.top nav a')].map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver(
    (entries) => {
      const entered = entries.find((entry) => entry.isIntersecting && links.has(entry.target.id));
      if (!entered) return;
      links.forEach((link) => link.removeAttribute('aria-current'));
      links.get(entered.target.id).setAttribute('aria-current', 'true');
    },
    {rootMargin: '-12% 0px -80% 0px'},
  );
  document.querySelectorAll('section[id]').forEach((section) => observer.observe(section));
}

// Only what can be scrolled sideways takes the keyboard's focus.
function startTables() {
  const fit = () => {
    document.querySelectorAll('.scroll').forEach((box) => {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute('tabindex');
    });
  };
  fit();
  addEventListener('resize', fit);
}

document.documentElement.classList.add('js');
startTheme();
startSections();
startTables();
const found = readData();
if (found) repaint = startTimeline(found);
