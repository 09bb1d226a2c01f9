// Gives React components an execution whose state they render.

import { useEffect, useState, useSyncExternalStore } from "react";

import type { Coderun } from "./index.js";
import { type ExecutionCommands, type ExecutionState, ExecutionStore } from "./react-store.js";

export type { ExecutionCommands, ExecutionState };

/**
 * The state of an execution, and commands for it: of the one that `run` submits, or of the one with this id.
 *
 * The component follows the execution while it is mounted, and goes on where it stopped when it is mounted again. Unmounting
 * does not stop the program: `cancel` does. The next `run` uses the client of the last render.
 */
export function useExecution(client: Coderun, id?: string): ExecutionState & ExecutionCommands {
  const [store] = useState(() => new ExecutionStore(client));
  useEffect(() => {
    store.client = client;
  }, [store, client]);
  useEffect(() => {
    if (id !== undefined) store.commands.follow(id);
  }, [store, id]);
  const state = useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
  return { ...state, ...store.commands };
}
