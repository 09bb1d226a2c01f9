// Says which names a file of a program may have.

const LENGTH_MAX = 1_000;

/** Why a file may not have this name, or undefined. The service checks the rest. */
export function objectionToName(name: string): string | undefined {
  if (name.trim() === "") return "A file needs a name.";
  if (name.length > LENGTH_MAX) return "The name of the file is too long.";
  if (/\p{Cc}/u.test(name)) return "The name of the file has characters that cannot be shown.";
  const leadsOut = name.startsWith("/") || name.split("/").includes("..");
  return leadsOut ? "The name must be a path within the program's folder." : undefined;
}
