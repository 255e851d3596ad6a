// Sets the theme before the first paint; loaded blocking in the head, so it stays tiny.
(function () {
  var root = document.documentElement;
  var wanted = (document.cookie.match(/(?:^|; )theme=(auto|light|dark)/) || [])[1] || root.dataset.theme || "auto";
  var dark = wanted === "dark" || (wanted === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = wanted;
  root.setAttribute("data-bs-theme", dark ? "dark" : "light");
})();
