const day = new Date(Date.UTC(2024, 1, 28));
day.setUTCDate(day.getUTCDate() + 2);
console.log(day.toISOString(), day.getDay());
console.log((Date.UTC(2026, 11, 25) - Date.UTC(2026, 10, 30)) / 86400000, "days to go");
console.log(new Date("2026-11-30T08:30:00+02:00").toJSON(), new Date(2026, 0, 1).toString());
console.log(new Intl.DateTimeFormat("de-AT", { dateStyle: "full", timeZone: "Europe/Vienna" }).format(new Date(0)));
console.log(new Date(0).toLocaleString("en-US", { timeZone: "America/New_York" }).replace(/\s/g, " "));
console.log((1234567.891).toLocaleString("en-US"), new Intl.NumberFormat("de-DE").format(1234567.891));
console.log(Intl.DateTimeFormat().resolvedOptions().timeZone, new Date("nonsense").getTime());
const before = performance.now();
setTimeout(() => {
  const passed = performance.now() - before;
  console.log(passed >= 49 && passed < 5000, Date.now() > 1.7e12, process.hrtime.bigint() > 0n);
}, 50);
