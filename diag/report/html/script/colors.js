// Colours of the canvas: the page's CSS variables, read again when the theme changes.

const colors = {};

function readColors(data) {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  for (const name of ['ink', 'mute', 'line', 'edge', 'bg', 'hatch', ...data.hues]) {
    colors[name] = value(name);
    colors[`on-${name}`] = value(`on-${name}`) || colors.ink;
  }
  for (const [name, base] of Object.entries(data.hatched)) {
    colors[name] = hatch(colors[base]);
    colors[`on-${name}`] = colors[`on-${base}`];
  }
}

// The same hatch as in the page's SVG: lines of 45 degrees, 6 px apart.
function hatch(fill) {
  const size = Math.round(8 * devicePixelRatio);
  const tile = document.createElement('canvas');
  tile.width = size;
  tile.height = size;
  const context = tile.getContext('2d');
  context.fillStyle = fill;
  context.fillRect(0, 0, size, size);
  context.strokeStyle = colors.hatch;
  context.lineWidth = 2.2 * devicePixelRatio;
  context.beginPath();
  for (const shift of [-size, 0, size]) {
    context.moveTo(shift - 1, size + 1);
    context.lineTo(shift + size + 1, -1);
  }
  context.stroke();
  return context.createPattern(tile, 'repeat');
}
