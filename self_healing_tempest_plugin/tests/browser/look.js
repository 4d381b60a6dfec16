// Licensed under the Apache License, Version 2.0 (the "License"); you may
// not use this file except in compliance with the License. You may obtain
// a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
// WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
// License for the specific language governing permissions and limitations
// under the License.

// What can be seen of the page that is open, as plain values. Rectangles are
// [left, top, right, bottom] in pixels of the window.

const box = (one) => {
  const {left, top, right, bottom} = one.getBoundingClientRect();
  return [left, top, right, bottom];
};

const apart = ([l, t, r, b], [left, top, right, bottom]) =>
  r <= left + 1 || right <= l + 1 || b <= top + 1 || bottom <= t + 1;

const name = (one) => `<${one.tagName}> ${one.className.baseVal ??
  one.className} "${one.textContent.trim().slice(0, 40)}"`;

const shown = (one) => one.checkVisibility({visibilityProperty: true,
                                            opacityProperty: true});

// Letters take less than the height of their line: half of a text's margins
// above and below is given to its neighbours.
const letters = (rect) => {
  const margin = rect.height / 6;
  return [rect.left, rect.top + margin, rect.right, rect.bottom - margin];
};

const texts = () => {
  const found = [];
  const walker = document.createTreeWalker(
    document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest('title, desc, style') ||
        parent.closest('thead')?.getBoundingClientRect().width <= 1 ||
        !shown(parent)) {
      continue;
    }
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width > 1) {
        found.push({
          text: node.textContent.trim().slice(0, 40), box: letters(rect),
          size: parseFloat(getComputedStyle(parent).fontSize),
          plot: parent.closest('svg') && box(parent.closest('svg'))});
      }
    }
  }
  return found;
};

const overlaps = (several) => {
  const pairs = [];
  several.forEach((one, index) => {
    for (const other of several.slice(index + 1)) {
      if (!apart(one.box, other.box)) {
        pairs.push([one.text, other.text]);
      }
    }
  });
  return pairs;
};

const row = (one) => ({
  name: one.querySelector('.label b')?.textContent ?? '',
  classes: [...one.classList],
  value: one.querySelector('.value').textContent.trim(),
  plot: box(one.querySelector('.plot')),
  bars: [...one.querySelectorAll('.plot .bar')].filter(shown).map((bar) => ({
    look: [...bar.classList], box: box(bar)})),
  whiskers: [...one.querySelectorAll('.plot .whisker')].filter(shown).map(
    box),
  deadlines: [...one.querySelectorAll('.plot .deadline path')].filter(
    shown).map(box),
});

const headline = (one) => {
  const [left, top, right, bottom] = box(one);
  const hit = document.elementFromPoint((left + right) / 2,
                                        (top + bottom) / 2);
  return {text: (one.querySelector('span') ?? one).textContent.trim(), box: box(one),
          size: parseFloat(getComputedStyle(one).fontSize),
          seen: shown(one) && one.contains(hit)};
};

const told = texts();
return {
  width: window.innerWidth,
  height: window.innerHeight,
  content: document.documentElement.scrollWidth,
  headlines: [...document.querySelectorAll('h1')].map(headline),
  rows: [...document.querySelectorAll('.chart .row:not(.axis)')].map(row),
  beyond: [...document.body.querySelectorAll('*')].filter((one) =>
    !one.closest('svg') && shown(one) &&
    one.getBoundingClientRect().right > window.innerWidth + 1).map(name)
    .concat(told.filter((one) => one.box[2] > window.innerWidth + 1)
      .map((one) => one.text)),
  small: told.filter((one) => one.size < 11).map((one) => one.text),
  clipped: told.filter(({plot, box: [left, top, right, bottom]}) => plot && (
    left < plot[0] - 1 || right > plot[2] + 1 || top < plot[1] - 1 ||
    bottom > plot[3] + 1)).map((one) => one.text),
  overlaps: overlaps(told),
  unnamed: [...document.querySelectorAll('svg[role=img]')].filter((one) =>
    !one.querySelector('title')?.textContent.trim() ||
    one.classList.contains('plot') &&
    !one.querySelector('desc')?.textContent.trim()).map(name),
  ticks: [...document.querySelectorAll('.axis .plot')].map(
    (one) => one.querySelectorAll('text').length),
  body: document.body.innerText,
};
