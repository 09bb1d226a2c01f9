// Draws the icons. They are decoration: each button has its own words.

const icon = (path: string, filled = false) => () => (
  <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path
      d={path}
      fill={filled ? "currentColor" : "none"}
      stroke={filled ? "none" : "currentColor"}
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>
);

export const RunIcon = icon("M4 2.6v10.8a.6.6 0 0 0 .9.5l8.8-5.4a.6.6 0 0 0 0-1L4.9 2.1a.6.6 0 0 0-.9.5z", true);
export const StopIcon = icon("M4 3h8a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z", true);
export const ShareIcon = icon("M6.5 9.5 9.5 6.5M7 4.5l1.2-1.2a3 3 0 0 1 4.3 4.3L11.2 9M9 11.5l-1.2 1.2a3 3 0 0 1-4.3-4.3L4.8 7");
export const HistoryIcon = icon("M2.5 8a5.5 5.5 0 1 0 1.8-4.1L2.5 5.5M2.5 2.5v3h3M8 5v3.2l2 1.3");
export const ThemeIcon = icon("M13.5 9.2A5.6 5.6 0 0 1 6.8 2.5a5.6 5.6 0 1 0 6.7 6.7z");
export const AddIcon = icon("M8 3v10M3 8h10");
export const RenameIcon = icon("M3 13l.7-2.9 6.9-6.9a1 1 0 0 1 1.4 0l.8.8a1 1 0 0 1 0 1.4L5.9 12.3z");
export const DeleteIcon = icon("M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9");
export const CopyIcon = icon("M5.5 5.5h7v8h-7zM3.5 10.5v-8h7");
export const SaveIcon = icon("M8 2.5v8M4.8 7.5 8 10.7l3.2-3.2M3 13.5h10");
export const UserIcon = icon("M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.8 13.7a5.3 5.3 0 0 1 10.4 0");

/** The mark of the project. */
export const Mark = () => (
  <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <rect x="1" y="1" width="30" height="30" rx="8" fill="currentColor" />
    <path d="M9 10l6 6-6 6M17 22h7" fill="none" stroke="var(--surface)" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" />
  </svg>
);
