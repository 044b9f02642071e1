/* Sets the theme before the first paint: the saved choice, else what the system prefers. */
(function () {
  var saved = null;
  try { saved = localStorage.getItem("theme"); } catch (refused) { saved = null; }
  var light = window.matchMedia && matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = saved || (light ? "light" : "dark");
})();
