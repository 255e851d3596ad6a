// Puts the editor in the place of the design's text area; a click on a line of a problem or of the outline goes there.
(function () {
  "use strict";
  var holder = document.querySelector("[data-editor]");
  if (!holder) return;
  var area = holder.querySelector("textarea");
  // On a small screen the text area stays.
  var isPlain = !window.GatehouseEditor || matchMedia("(max-width: 767px)").matches;
  var options = { language: holder.dataset.language, nonce: holder.dataset.nonce };
  var editor = isPlain ? null : window.GatehouseEditor.mountEditor(area, options);

  function goToLine(number) {
    if (editor) return editor.goToLine(number);
    var lines = area.value.split("\n");
    var start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[number - 1] || "").length);
    area.scrollTop = (number - 4) * parseFloat(getComputedStyle(area).lineHeight);
  }
  document.addEventListener("click", function (event) {
    var target = event.target.closest("[data-line]");
    if (target) goToLine(Number(target.dataset.line));
  });

  // The server checks the text half a second after the last key.
  var timer = 0;
  area.addEventListener("input", function () {
    clearTimeout(timer);
    timer = setTimeout(function () { area.dispatchEvent(new Event("change", { bubbles: true })); }, 500);
  });

  // The filter outlives the outline, which the server sends anew; an operation is found by its path too.
  var filter = document.getElementById("outline-filter");
  // An overlay has the editor, and no outline beside it.
  if (!filter) return;
  function narrow() {
    var words = filter.value.trim().toLowerCase();
    document.querySelectorAll("#outline li").forEach(function (row) {
      row.hidden = words !== "" && !row.textContent.toLowerCase().includes(words);
    });
  }
  filter.closest("[data-outline-filter]").hidden = false;
  filter.addEventListener("input", narrow);
  new MutationObserver(narrow).observe(filter.closest("section"), { childList: true });
})();
