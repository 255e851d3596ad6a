// The console's own behaviour: theme, shortcuts, menus, copy, dialogs, toasts, polls. No inline script exists anywhere.
(function () {
  "use strict";
  var root = document.documentElement;
  var $ = function (selector, scope) { return (scope || document).querySelector(selector); };
  var $$ = function (selector, scope) { return Array.from((scope || document).querySelectorAll(selector)); };

  // ---- theme -------------------------------------------------------------------------------------------------
  function applyTheme(theme) {
    var dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = theme;
    root.setAttribute("data-bs-theme", dark ? "dark" : "light");
    document.cookie = "theme=" + theme + "; path=/; max-age=31536000; samesite=lax";
    document.dispatchEvent(new CustomEvent("gh:theme"));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
    if (root.dataset.theme === "auto") applyTheme("auto");
  });

  // ---- polite announcements and toasts -----------------------------------------------------------------------
  function announce(text) {
    var region = $("#live");
    if (!region) return;
    region.textContent = "";
    setTimeout(function () { region.textContent = text; }, 50);
  }
  function toast(text) {
    var box = $("#toasts");
    if (!box) return;
    var item = document.createElement("div");
    item.className = "gh-toast";
    item.textContent = text;
    box.append(item);
    announce(text);
    armToast(item);
  }
  function armToast(item) {
    var left = 8000, since = Date.now(), timer = setTimeout(close, left);
    function close() { item.remove(); }
    item.addEventListener("mouseenter", function () { clearTimeout(timer); left -= Date.now() - since; });
    item.addEventListener("mouseleave", function () { since = Date.now(); timer = setTimeout(close, Math.max(left, 1000)); });
  }

  // ---- copy --------------------------------------------------------------------------------------------------
  function copyText(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    var area = document.createElement("textarea");
    area.value = text;
    area.className = "gh-offscreen";
    document.body.append(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("copy refused"));
  }
  function onCopy(button) {
    var source = button.dataset.copyFrom ? $(button.dataset.copyFrom) : null;
    var text = source ? ("value" in source ? source.value : source.textContent) : button.dataset.copy;
    copyText(text).then(function () {
      button.dataset.copied = "1";
      var holder = button.closest("[data-key-reveal]");
      if (holder) holder.dataset.copied = "1";
      toast("Copied");
    }, function () { toast("Copying was refused by the browser. Select the text and copy it by hand."); });
  }
  function onDownload(button) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([button.dataset.download], { type: "text/plain" }));
    link.download = button.dataset.filename || "download.txt";
    link.click();
    URL.revokeObjectURL(link.href);
    var holder = button.closest("[data-key-reveal]");
    if (holder) holder.dataset.copied = "1";
  }

  // ---- tabs of code samples: the language is remembered ---------------------------------------------------------
  function chooseSample(group, language) {
    $$("[role=tab]", group).forEach(function (tab) {
      var on = tab.dataset.language === language;
      tab.setAttribute("aria-selected", on ? "true" : "false");
      tab.tabIndex = on ? 0 : -1;
    });
    $$("[role=tabpanel]", group).forEach(function (panel) { panel.hidden = panel.dataset.language !== language; });
  }
  function initSamples(scope) {
    $$("[data-samples]", scope).forEach(function (group) {
      var kept = localStorage.getItem("gh-language");
      var languages = $$("[role=tab]", group).map(function (tab) { return tab.dataset.language; });
      if (languages.length) chooseSample(group, languages.includes(kept) ? kept : languages[0]);
    });
  }

  // ---- dialogs and hx-confirm ----------------------------------------------------------------------------------
  function ask(question, go) {
    var dialog = $("#confirm");
    $("[data-question]", dialog).textContent = question;
    dialog.onclose = function () { if (dialog.returnValue === "go") go(); };
    dialog.returnValue = "";
    dialog.showModal();
  }
  document.addEventListener("htmx:confirm", function (event) {
    var source = event.detail.ctx ? event.detail.ctx.sourceElement : event.target;
    var question = source && source.getAttribute("hx-confirm");
    if (!question) return;
    event.preventDefault();
    ask(question, function () { event.detail.issueRequest ? event.detail.issueRequest(true) : source.click(); });
  });

  // ---- clicks, by data attributes ------------------------------------------------------------------------------
  document.addEventListener("click", function (event) {
    var target = event.target.closest("[data-copy],[data-copy-from],[data-download],[data-theme-choice],[data-drawer],[data-dialog],[data-close],[role=tab][data-language]");
    $$("details.gh-menu[open]").forEach(function (menu) { if (!menu.contains(event.target)) menu.open = false; });
    if (event.target.closest("[aria-disabled=true]")) { event.preventDefault(); return; }
    if (!target) return;
    if (target.dataset.copy !== undefined || target.dataset.copyFrom) onCopy(target);
    else if (target.dataset.download !== undefined) onDownload(target);
    else if (target.dataset.themeChoice) applyTheme(target.dataset.themeChoice);
    else if (target.dataset.drawer !== undefined) toggleDrawer();
    else if (target.dataset.dialog) { var d = $(target.dataset.dialog); if (d) d.showModal(); }
    else if (target.dataset.close !== undefined) { var open = target.closest("dialog"); if (open) open.close(); }
    else if (target.dataset.language) {
      localStorage.setItem("gh-language", target.dataset.language);
      $$("[data-samples]").forEach(function (group) { chooseSample(group, target.dataset.language); });
    }
  });

  function toggleDrawer(force) {
    var open = document.body.classList.toggle("gh-drawer-open", force);
    $$("[data-drawer]").forEach(function (button) { button.setAttribute("aria-expanded", open ? "true" : "false"); });
    if (open) { var first = $(".gh-sidebar a"); if (first) first.focus(); }
  }

  // ---- keyboard ------------------------------------------------------------------------------------------------
  var prefix = 0;
  function isTyping(element) {
    return element.closest("input,textarea,select,[contenteditable=true],.cm-editor") !== null;
  }
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      $$("details.gh-menu[open]").forEach(function (menu) { menu.open = false; $("summary", menu).focus(); });
      if (document.body.classList.contains("gh-drawer-open")) { toggleDrawer(false); $("[data-drawer]").focus(); }
    }
    var tab = event.target.closest && event.target.closest("[role=tab][data-language]");
    if (tab && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      var tabs = $$("[role=tab]", tab.parentElement);
      var next = tabs[(tabs.indexOf(tab) + (event.key === "ArrowRight" ? 1 : tabs.length - 1)) % tabs.length];
      next.focus(); next.click();
    }
    if (document.body.dataset.shortcuts === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) return;
    if (event.key === "/") { var box = $("#search"); if (box) { event.preventDefault(); box.focus(); box.select(); } }
    else if (event.key === "?") { var help = $("#shortcuts"); if (help) help.showModal(); }
    else if (event.key === "g") prefix = Date.now();
    else if (Date.now() - prefix < 1200 && { c: 1, w: 1, a: 1 }[event.key]) {
      location.href = { c: "/catalog", w: "/workspace", a: "/applications" }[event.key];
    }
  });

  // ---- a second click on a writing form does nothing: the first one is on its way ---------------------------------
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    $$("button[type=submit],button:not([type])", form).forEach(function (button) { button.setAttribute("aria-busy", "true"); });
  });
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) $$("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  // ---- a key that was never copied is worth a question before leaving ----------------------------------------------
  window.addEventListener("beforeunload", function (event) {
    if ($("[data-key-reveal]:not([data-copied])")) event.preventDefault();
  });

  // ---- filters that send themselves --------------------------------------------------------------------------------
  document.addEventListener("change", function (event) {
    var form = event.target.closest("form[data-auto]");
    if (form) form.requestSubmit();
  });

  // ---- polls stop when nobody looks, errors leave the page as it is -------------------------------------------------
  var opened = Date.now();
  document.addEventListener("htmx:before:request", function (event) {
    var source = event.detail.ctx && event.detail.ctx.sourceElement;
    var trigger = source && source.getAttribute("hx-trigger");
    if (trigger && trigger.includes("every") && (document.hidden || Date.now() - opened > 600000)) event.preventDefault();
  });
  document.addEventListener("htmx:error", function () {
    toast("The server did not answer. Nothing was changed; try again.");
  });
  document.addEventListener("htmx:after:swap", function (event) {
    // htmx 4 dispatches on the element that asked; the swapped one stands in the context.
    var target = (event.detail && event.detail.ctx && event.detail.ctx.target) || event.target;
    if (!(target instanceof Element)) return;
    if (!target.isConnected) target = (target.id && document.getElementById(target.id)) || document.body;
    initSamples(target);
    var panel = target.closest("dialog.gh-panel");
    if (panel && !panel.open) panel.showModal();
    var heading = target.matches("main") ? $("h1", target) : null;
    if (heading) { heading.tabIndex = -1; heading.focus(); }
    var said = $("[data-announce]", target);
    if (said) announce(said.dataset.announce);
  });

  document.addEventListener("DOMContentLoaded", function () {
    initSamples(document);
    $$("#toasts .gh-toast").forEach(armToast);
    var bad = $("[aria-invalid=true]");
    if (bad) bad.focus();
  });
  window.Gatehouse = { toast: toast, announce: announce, copyText: copyText };
})();
