// Lists and deletes executions of a service that is played.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ExecutionHistory, type HistoryClient } from "../src/model/history";
import { relativeTime } from "../src/model/relative-time";

type Page = Awaited<ReturnType<HistoryClient["executions"]>>;
type Query = Parameters<HistoryClient["executions"]>[0];

/** The executions with these numbers. */
const page = (numbers: number[], next_cursor: string | null = null): Page => ({
  next_cursor,
  executions: numbers.map((number) => ({
    execution_id: `${number}`,
    language: "python",
    status: "completed",
    created_at: "2026-11-30T12:00:00.000Z",
    updated_at: "2026-11-30T12:00:00.000Z",
    completed_at: "2026-11-30T12:00:00.000Z",
    verdict: "accepted",
  })),
});

/** A history over these pages, which are given in their order. */
function play(pages: (Page | Promise<Page> | Error)[]) {
  const queries: Query[] = [];
  const deleted: (string | undefined)[] = [];
  const told: (string | undefined)[] = [];
  const refusal = { error: undefined as Error | undefined };
  const remove = async (id?: string) => {
    if (refusal.error) throw refusal.error;
    deleted.push(id);
  };
  const client: HistoryClient = {
    executions: async (query) => {
      queries.push(query);
      const next = pages.shift();
      assert.ok(next, "no further page");
      if (next instanceof Error) throw next;
      return next;
    },
    execution: (id) => ({ delete: () => remove(id) }),
    deleteAll: () => remove(),
  };
  const history = new ExecutionHistory(client, (id) => told.push(id));
  const ids = () => history.entries.value.map(({ execution_id }) => Number(execution_id));
  return { history, queries, deleted, told, refusal, ids };
}

test("the first page comes, then each further one until there is none", async () => {
  const { history, queries, ids } = play([page([5, 4], "c1"), page([3, 2], "c2"), page([1])]);
  await history.refresh();
  assert.deepEqual(ids(), [5, 4]);
  assert.equal(history.hasMore.value, true);
  await history.loadMore();
  await history.loadMore();
  assert.deepEqual(ids(), [5, 4, 3, 2, 1]);
  assert.equal(history.hasMore.value, false);
  await history.loadMore();
  assert.deepEqual(
    queries.map((query) => [query?.limit, query?.cursor]),
    [
      [20, undefined],
      [20, "c1"],
      [20, "c2"],
    ],
  );
});

test("an execution that a further page repeats is listed once", async () => {
  const { history, ids } = play([page([5, 4], "c1"), page([4, 3])]);
  await history.refresh();
  await history.loadMore();
  assert.deepEqual(ids(), [5, 4, 3]);
});

test("a refresh loads as much as was shown, up to what the service gives at once", async () => {
  const numbers = (length: number) => Array.from({ length }, (_, n) => n);
  const { history, queries } = play([page(numbers(30)), page(numbers(120)), page([])]);
  for (let n = 0; n < 3; n += 1) await history.refresh();
  assert.deepEqual(
    queries.map((query) => query?.limit),
    [20, 30, 100],
  );
});

test("a newer list wins over one that comes later", async () => {
  let answer: (page: Page) => void = () => {};
  const late = new Promise<Page>((resolve) => (answer = resolve));
  const { history, queries, ids } = play([late, page([2, 1])]);
  const first = history.refresh();
  await history.refresh();
  answer(page([1]));
  await first;
  assert.equal(queries[0]?.signal?.aborted, true);
  assert.deepEqual(ids(), [2, 1]);
  assert.equal(history.isLoading.value, false);
});

test("a list that fails says why, keeps what there was, and can be loaded again", async () => {
  const { history, ids } = play([page([1]), new Error("The service cannot be reached"), page([2, 1])]);
  await history.refresh();
  await history.refresh();
  assert.equal(history.failure.value, "The service cannot be reached");
  assert.deepEqual(ids(), [1]);
  assert.equal(history.isLoading.value, false);
  await history.refresh();
  assert.equal(history.failure.value, undefined);
  assert.deepEqual(ids(), [2, 1]);
});

test("a deleted execution leaves the list, and a list that was on its way does not bring it back", async () => {
  let answer: (page: Page) => void = () => {};
  const late = new Promise<Page>((resolve) => (answer = resolve));
  const { history, deleted, told, ids } = play([page([2, 1]), late]);
  await history.refresh();
  const refreshing = history.refresh();
  await history.delete("2");
  assert.deepEqual(ids(), [1]);
  answer(page([2, 1]));
  await refreshing;
  assert.deepEqual(ids(), [1]);
  assert.deepEqual([deleted, told], [["2"], ["2"]]);
});

test("what the service does not delete stays in the list, and the reason is told", async () => {
  const { history, told, refusal, ids } = play([page([2, 1])]);
  await history.refresh();
  refusal.error = new Error("Access denied");
  await history.delete("2");
  assert.equal(history.failure.value, "Access denied");
  await history.deleteAll();
  assert.deepEqual(ids(), [2, 1]);
  assert.deepEqual(told, []);
});

test("deleting all empties the list, and forgets that there was more", async () => {
  const { history, deleted, told, ids } = play([page([2, 1], "c1")]);
  await history.refresh();
  await history.deleteAll();
  assert.deepEqual(ids(), []);
  assert.equal(history.hasMore.value, false);
  assert.equal(history.isLoaded.value, true);
  assert.deepEqual([deleted, told], [[undefined], [undefined]]);
});

test("the list of one user is not shown to the next, even if it comes late", async () => {
  let answer: (page: Page) => void = () => {};
  const late = new Promise<Page>((resolve) => (answer = resolve));
  const { history, ids } = play([late]);
  const loading = history.refresh();
  history.clear();
  answer(page([1]));
  await loading;
  assert.deepEqual(ids(), []);
  assert.equal(history.isLoaded.value, false);
});

const NOW = Date.parse("2026-12-01T12:00:00.000Z");
for (const [time, words] of [
  ["2026-12-01T12:00:00.000Z", "just now"],
  ["2026-12-01T12:00:09.000Z", "just now"],
  ["2026-12-01T11:59:20.000Z", "less than a minute ago"],
  ["2026-12-01T11:59:00.000Z", "1 minute ago"],
  ["2026-12-01T11:00:30.000Z", "59 minutes ago"],
  ["2026-12-01T09:00:00.000Z", "3 hours ago"],
  ["2026-11-30T11:59:00.000Z", "yesterday"],
  ["2026-11-20T12:00:00.000Z", "11 days ago"],
] as const) {
  test(`${time} was ${words}`, () => assert.equal(relativeTime(time, NOW), words));
}
