// Before anything is drawn: the colours that were chosen here, where they aren't the system's.
{
  let theme = null;
  try {
    theme = localStorage.getItem('koe.theme');
  } catch {
    // A browser that keeps nothing follows the system.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
}
