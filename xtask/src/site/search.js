// Finds headings of the documentation. INDEX comes from index.js; nothing is fetched.
"use strict";

(() => {
  const field = document.getElementById("search");
  const list = document.getElementById("found");
  const root = document.body.dataset.root;
  const most = 12;

  field.hidden = false;

  function score(entry, words) {
    const title = entry[0].toLowerCase();
    const page = entry[1].toLowerCase();
    let sum = 0;
    for (const word of words) {
      if (title.startsWith(word)) sum += 4;
      else if (title.includes(word)) sum += 3;
      else if (page.includes(word)) sum += 1;
      else return 0;
    }
    return sum - title.length / 1000;
  }

  function show() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = INDEX.map((entry) => [score(entry, words), entry])
      .filter(([value]) => words.length > 0 && value > 0)
      .sort((a, b) => b[0] - a[0])
      .slice(0, most);
    list.replaceChildren(
      ...hits.map(([, [title, page, url]]) => {
        const item = document.createElement("li");
        const link = document.createElement("a");
        link.href = root + url;
        link.textContent = page === "" ? title : `${page}: ${title}`;
        item.append(link);
        return item;
      }),
    );
    list.hidden = words.length === 0;
    if (words.length > 0 && hits.length === 0) list.textContent = "Nothing found";
  }

  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    const first = list.querySelector("a");
    if (event.key === "Enter" && first !== null) location.href = first.href;
    if (event.key === "Escape") {
      field.value = "";
      show();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    }
  });
})();
