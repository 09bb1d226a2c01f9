export TZ=UTC
date -d '2024-02-28 +2 days' '+%Y-%m-%d %A'
date -d @0 --iso-8601=seconds
echo $((($(date -d 2026-12-25 +%s) - $(date -d 2026-11-30 +%s)) / 86400)) days
TZ=Europe/Vienna date -d '2026-07-01 12:00 UTC' +%H:%M%z
[ "$(date +%Y)" -ge 2026 ] && echo now
SECONDS=0; sleep 0.1; echo $((SECONDS < 5)); printf '%(%Y)T\n' 0
time_before=$EPOCHREALTIME; [ -n "$time_before" ] && echo ok
