// Runs before the first paint. The stored choice (src/lib/theme.svelte.ts writes it) wins over the system's preference.
(function () {
  var stored = null;
  try {
    stored = localStorage.getItem('theme');
  } catch (_) {
    // Storage may be forbidden; the system's preference then applies.
  }
  var dark = stored ? stored === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
