// The page's own small script: light or dark, news of finished jobs, names for what has none.
(() => {
  const KEY = 'understudy-theme';
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  const asked = new URLSearchParams(window.location.search).get('__theme');
  const wanted = () => asked ?? localStorage.getItem(KEY) ?? (system.matches ? 'dark' : 'light');
  const paint = () => {
    if (document.body.classList.contains('dark') === (wanted() === 'dark')) return;
    document.body.classList.toggle('dark', wanted() === 'dark');
    document.documentElement.style.colorScheme = wanted();
  };
  document.addEventListener('click', (event) => {
    if (!event.target.closest('.lamp')) return;
    localStorage.setItem(KEY, wanted() === 'dark' ? 'light' : 'dark');
    paint();
  });
  system.addEventListener('change', paint);

  // A job that was seen at work and is not any more is news.
  const AT_WORK = ['queued', 'running'];
  const SAID = { done: 'Done', failed: 'Failed', waiting: 'Waiting for you' };
  const seen = new Map();
  const tell = (card) => {
    const { job, state } = card.dataset;
    const before = seen.get(job);
    seen.set(job, state);
    if (!AT_WORK.includes(before) || !(state in SAID)) return;
    const title = card.querySelector('.job-title')?.textContent ?? '';
    if (document.hidden) document.title = `${SAID[state]}: ${title}`;
    if ('Notification' in window && Notification.permission === 'granted') {
      const news = new Notification(`${SAID[state]}: ${title}`, { tag: job });
      news.onclick = () => { window.focus(); news.close(); };
    }
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) document.title = 'Understudy';
  });

  // Gradio leaves some of its own controls without a name that a screen reader could say.
  const name = (root) => {
    root.querySelectorAll('input[type=file]:not([aria-label])').forEach((input) => {
      const label = input.closest('.block')?.querySelector('label')?.textContent?.trim();
      input.setAttribute('aria-label', label || 'File');
    });
  };
  // To Gradio's drop-down fields Tab is a key like others: they open their list again as one leaves.
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Tab' && event.target.matches('input[role=combobox]')) event.stopPropagation();
  }, true);

  let due = false;
  const look = () => {
    due = false;
    paint();
    document.querySelectorAll('[data-job][data-state]').forEach(tell);
    name(document);
  };
  new MutationObserver(() => {
    if (!due) { due = true; requestAnimationFrame(look); }
  }).observe(document.documentElement, { childList: true, subtree: true });
  if (document.body) paint();
  document.addEventListener('DOMContentLoaded', paint);
})();
