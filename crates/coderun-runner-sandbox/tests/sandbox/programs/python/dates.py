import calendar
import datetime as dt
import time
import zoneinfo

day = dt.date(2024, 2, 28)
print(day + dt.timedelta(days=2), day.strftime("%A %d %B %Y"), calendar.isleap(2024))
print(dt.datetime.fromisoformat("2026-11-30T08:30:00+02:00").astimezone(dt.timezone.utc))
print((dt.date(2026, 12, 25) - dt.date(2026, 11, 30)).days, "days to go")
print(dt.datetime.strptime("07/04/1999 13:05", "%d/%m/%Y %H:%M").isoformat())
print(calendar.month(2026, 11))
summer = dt.datetime(2026, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Vienna"))
print(summer, summer.astimezone(zoneinfo.ZoneInfo("America/New_York")))
before = time.monotonic()
time.sleep(0.05)
print(0.05 <= time.monotonic() - before < 5, time.time() > 1.7e9)
print(dt.datetime.now().astimezone().utcoffset(), time.tzname[0])
