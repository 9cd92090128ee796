// Before the first paint, so that a chosen theme does not flash. Its switch: src/shell/theme-switch.tsx.
const theme = localStorage.getItem('theme');
if (theme) document.documentElement.dataset.theme = theme;
