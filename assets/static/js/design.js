// Puts the editor in the place of the design's text area; a click on a problem's line goes there.
(function () {
  "use strict";
  var holder = document.querySelector("[data-editor]");
  if (!holder || !window.GatehouseEditor || matchMedia("(max-width: 767px)").matches) return;
  var area = holder.querySelector("textarea");
  var editor = window.GatehouseEditor.mountEditor(area, { language: holder.dataset.language, nonce: holder.dataset.nonce });
  document.addEventListener("click", function (event) {
    var target = event.target.closest("[data-line]");
    if (target) editor.goToLine(Number(target.dataset.line));
  });
  // The server checks the text half a second after the last key.
  var timer = 0;
  area.addEventListener("input", function () {
    clearTimeout(timer);
    timer = setTimeout(function () { area.dispatchEvent(new Event("change", { bubbles: true })); }, 500);
  });
})();
