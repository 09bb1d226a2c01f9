// Shows short messages for some seconds, with a way to undo.

import { signal } from "@preact/signals";

interface Notice {
  key: number;
  text: string;
  undo?: (() => void) | undefined;
}

const SHOWN_MS = 6_000;

export class NoticeList {
  readonly shown = signal<readonly Notice[]>([]);
  private count = 0;

  readonly add = (text: string, undo?: () => void): void => {
    const key = (this.count += 1);
    this.shown.value = [...this.shown.peek().slice(-2), { key, text, undo }];
    setTimeout(() => this.remove(key), SHOWN_MS);
  };

  readonly remove = (key: number): void => {
    this.shown.value = this.shown.peek().filter((notice) => notice.key !== key);
  };
}

export function Notices({ list }: { list: NoticeList }) {
  return (
    <div class="notices" role="status">
      {list.shown.value.map(({ key, text, undo }) => (
        <div class="notice" key={key}>
          <span>{text}</span>
          {undo && (
            <button
              type="button"
              class="button small"
              onClick={() => {
                undo();
                list.remove(key);
              }}
            >
              Undo
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
