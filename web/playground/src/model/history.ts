// Lists the user's executions, newest first, and deletes them.

import { computed, signal } from "@preact/signals";

import type { Coderun, ExecutionSummary } from "@coderun/client";

/** What is used of the client. */
export type HistoryClient = Pick<Coderun, "executions" | "deleteAll"> & {
  execution(id: string): Pick<ReturnType<Coderun["execution"]>, "delete">;
};

const PAGE_LENGTH = 20;
/** The service gives no more at once. */
const PAGE_MAX = 100;

export class ExecutionHistory {
  readonly entries = signal<readonly ExecutionSummary[]>([]);
  /** Whether the list is as the service had it last; else it is empty, or older. */
  readonly isLoaded = signal(false);
  readonly isLoading = signal(false);
  /** Why the list or a deletion failed, in words. */
  readonly failure = signal<string | undefined>(undefined);
  readonly hasMore = computed(() => this.cursor.value !== undefined);

  private readonly cursor = signal<string | undefined>(undefined);
  /** What was deleted while a list was on its way. */
  private readonly deleted = new Set<string>();
  private loading = new AbortController();

  constructor(
    private readonly client: HistoryClient,
    /** Told which execution was deleted, or without an id that all were. */
    private readonly onDeleted: (id?: string) => void = () => {},
  ) {}

  /** Loads as much as is shown, or the first page. */
  refresh(): Promise<void> {
    const limit = Math.min(PAGE_MAX, Math.max(PAGE_LENGTH, this.entries.peek().length));
    return this.load({ limit }, () => []);
  }

  /** Loads the next page. */
  async loadMore(): Promise<void> {
    const cursor = this.cursor.peek();
    if (cursor === undefined || this.isLoading.peek()) return;
    await this.load({ limit: PAGE_LENGTH, cursor }, () => this.entries.peek());
  }

  /** Deletes an execution. One that runs is stopped. */
  async delete(id: string): Promise<void> {
    await this.attempt(async () => {
      await this.client.execution(id).delete();
      this.deleted.add(id);
      this.entries.value = this.entries.peek().filter(({ execution_id }) => execution_id !== id);
      this.onDeleted(id);
    });
  }

  /** Deletes all executions of the user, also those that are not shown. */
  async deleteAll(): Promise<void> {
    await this.attempt(async () => {
      await this.client.deleteAll();
      this.clear();
      this.isLoaded.value = true;
      this.onDeleted();
    });
  }

  /** Forgets the list, as when another user comes. */
  clear(): void {
    this.loading.abort();
    this.isLoading.value = this.isLoaded.value = false;
    this.entries.value = [];
    this.cursor.value = this.failure.value = undefined;
  }

  /** Loads a page behind entries that are shown already. A newer load ends it. */
  private async load(
    page: { limit: number; cursor?: string },
    before: () => readonly ExecutionSummary[],
  ): Promise<void> {
    this.loading.abort();
    const { signal } = (this.loading = new AbortController());
    this.isLoading.value = true;
    await this.attempt(async () => {
      const { executions, next_cursor } = await this.client.executions({ ...page, signal });
      if (signal.aborted) return;
      this.entries.value = withoutRepetition([...before(), ...executions]).filter(
        ({ execution_id }) => !this.deleted.has(execution_id),
      );
      this.cursor.value = next_cursor ?? undefined;
      this.isLoaded.value = true;
    }, signal);
    if (!signal.aborted) this.isLoading.value = false;
  }

  private async attempt(work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    this.failure.value = undefined;
    try {
      await work();
    } catch (error) {
      if (!signal?.aborted) this.failure.value = error instanceof Error ? error.message : String(error);
    }
  }
}

/** Executions that came meanwhile move the pages, so that one may begin with what the page before ended with. */
function withoutRepetition(entries: readonly ExecutionSummary[]): ExecutionSummary[] {
  return [...new Map(entries.map((entry) => [entry.execution_id, entry])).values()];
}
