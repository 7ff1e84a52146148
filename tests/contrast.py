"""The contrast of text with what is behind it, as WCAG measures it, in a page that a browser shows."""

from __future__ import annotations

# Backgrounds are laid over one another from the page's root down; opacity fades the text towards them.
_MEASURE = """
root => {
  const parse = text => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return {rgb: [r, g, b], a};
  };
  const over = (top, a, below) => below.map((one, i) => a * top[i] + (1 - a) * one);
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.getClientRects().length || parseFloat(getComputedStyle(element).fontSize) === 0) continue;
    const path = [];
    for (let e = element; e; e = e.parentElement) path.unshift(getComputedStyle(e));
    let behind = [255, 255, 255], opacity = 1;
    for (const style of path) {
      opacity *= parseFloat(style.opacity);
      const background = parse(style.backgroundColor);
      behind = over(background.rgb, background.a * opacity, behind);
    }
    const own = parse(getComputedStyle(element).color);
    const [a, b] = [light(over(own.rgb, own.a * opacity, behind)), light(behind)];
    found.push([(Math.max(a, b) + .05) / (Math.min(a, b) + .05), text.slice(0, 60)]);
  }
  return found;
}
"""


def contrasts(element) -> list[tuple[float, str]]:
    """(contrast, text) of all visible text in an element of playwright's, the weakest first."""
    return sorted((round(ratio, 2), text) for ratio, text in element.evaluate(_MEASURE))
