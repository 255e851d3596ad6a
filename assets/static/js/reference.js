// Mounts the reference viewer with everything that would call home or duplicate our try-it switched off.
(function () {
  "use strict";
  var holder = document.getElementById("reference");
  if (!holder || !window.Scalar) return;
  holder.textContent = "";
  window.Scalar.createApiReference("#reference", {
    url: holder.dataset.url,
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: "never",
    hideClientButton: true,
    hideTestRequestButton: true,
    hideDarkModeToggle: true,
    darkMode: document.documentElement.getAttribute("data-bs-theme") === "dark",
  });
})();
