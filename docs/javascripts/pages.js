// What the pages need beyond CSS. Names and addresses may break behind these signs; the heads of a table label its cells
// in a narrow window (extra.css); the button of a block of commands copies these, without prompts and outputs.
document.addEventListener("DOMContentLoaded", () => {
  for (const name of document.querySelectorAll(".md-typeset :is(table, p, li) :is(code:not(pre code), a)")) {
    const walker = document.createTreeWalker(name, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const text of texts) {
      const parts = text.data.split(/(?<=[/._:,=(\[|-])(?=\w)/);
      text.replaceWith(...parts.flatMap((part, index) => (index ? [document.createElement("wbr"), part] : [part])));
    }
  }
  for (const table of document.querySelectorAll(".md-typeset table:not([class])")) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    if (heads.length < 3) continue;
    table.dataset.cards = "";
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.cells].forEach((cell, index) => {
        if (index) cell.dataset.label = heads[index] ?? "";
      });
    }
  }
  for (const block of document.querySelectorAll(".highlight:has(.gp)")) {
    const commands = block.textContent.match(/(?<=^\$ )(?:.*\\\n)*.*/gm);
    if (commands) block.dataset.copy = commands.join("\n");
  }
});
