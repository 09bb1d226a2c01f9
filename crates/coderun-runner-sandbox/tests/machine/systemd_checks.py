"""Checks the service's unit, in a machine whose process 1 is systemd."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

BINARY = "/run/bin/coderun"
GROUP = "/sys/fs/cgroup/system.slice/coderun.service"
LOG = "/run/coderun.log"
DEADLINE_S = 600


def systemctl(*arguments):
    done = subprocess.run(["systemctl", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"systemctl {' '.join(arguments)} ends with {done.returncode}")
    return done.stdout.strip()


def show(name):
    return systemctl("show", "--value", f"--property={name}", "coderun")


def until(what, condition):
    """Waits until a condition holds, and returns what it returns."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            fail(f"not within {DEADLINE_S} s: {what}")
        time.sleep(0.2)


def fail(text):
    print(f"FAILED: {text}\n--- the service's log")
    print("\n".join(line for line in open(LOG).read().splitlines() if "http::access" not in line))
    subprocess.run(["systemctl", "show", "coderun", "--property=ActiveState,SubState,Result,NRestarts,ControlGroup"])
    sys.exit(1)


def expect(what, found, wanted):
    if found != wanted:
        fail(f"{what}: {found!r} instead of {wanted!r}")
    print(f"ok: {what}", flush=True)


def call(path, body=None, **headers):
    """The answer's status and body; no body where the service answers with none of ours, and neither where it does not answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:8001{path}", data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=70) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
    except (OSError, ValueError):
        return None, None


def until_ready():
    return until("the service is ready", lambda: call("/health/ready")[1])


def until_languages_are_tried():
    """Waits until no program runs but those that are submitted."""
    reason = lambda: until_ready()["checks"]["languages"].get("reason") or ""
    until("all languages are tried", lambda: "still being checked" not in reason())


def token():
    user = ["setpriv", "--reuid", "coderun", "--regid", "coderun", "--clear-groups"]
    state = {**os.environ, "STATE_DIR": "/var/lib/coderun"}
    return subprocess.run([*user, BINARY, "token"], check=True, stdout=subprocess.PIPE, text=True, env=state).stdout.strip()


def submit(code, **options):
    status, answer = call("/api/v1/executions/execute", {"code": code, "language": "python", **options}, Authorization=BEARER)
    if status != 200:
        fail(f"a submission is answered with {status}: {answer}")
    return answer["execution_id"]


def record(execution):
    return call(f"/api/v1/executions/status/{execution}", Authorization=BEARER)[1] or {}


def final(execution):
    def ended():
        found = record(execution)
        return found if found.get("verdict") else None

    return until("the execution ends", ended)


def running(execution):
    until("the program runs", lambda: record(execution).get("status") == "running" and leaves() > 1)


def leaves():
    """The number of groups in that of the service: its own, and one for each program."""
    return sum(entry.is_dir() for entry in os.scandir(GROUP)) if os.path.exists(GROUP) else 0


def main():
    global BEARER
    # Before the service, as an operator might: it has to leave the group as it was.
    os.makedirs("/run/systemd/system/coderun.service.d")
    with open("/run/systemd/system/coderun.service.d/doctor.conf", "w") as drop_in:
        drop_in.write(f"[Service]\nExecStartPre=-{BINARY} doctor\nTimeoutStartSec={DEADLINE_S}\n")
    systemctl("daemon-reload")
    systemctl("start", "coderun")
    os.remove("/run/systemd/system/coderun.service.d/doctor.conf")
    systemctl("daemon-reload")
    checks = until_ready()["checks"]
    expect("limits are held by control groups", checks["limits"]["reason"], "cgroup2")
    BEARER = f"Bearer {token()}"
    hello = final(submit("print('hello')"))
    expect("a program runs", (hello["verdict"], hello["output"]), ("accepted", "hello\n"))

    main_process = show("MainPID")
    hog = submit("kept = b'x' * (128 << 20)", limits={"memory_bytes": 32 << 20})
    expect("a hog ends by its own limit", final(hog)["verdict"], "memory_limit")
    expect("the service outlives it", (show("ActiveState"), show("MainPID")), ("active", main_process))

    # The memory of other programs would be free for this one once they end.
    until_languages_are_tried()
    room = int(open(f"{GROUP}/memory.current").read()) + (24 << 20)
    systemctl("set-property", "--runtime", "coderun", f"MemoryMax={room}")
    big = submit("kept = b'x' * (160 << 20)", limits={"cpu_time_ms": 15000, "wall_time_ms": 60000})
    blamed = final(big)
    expect("the unit's limit is not the program's fault", blamed["verdict"], "internal_error")
    expect("the log says so", "a limit of memory that is not the program's own" in open(LOG).read(), True)
    systemctl("set-property", "--runtime", "coderun", "MemoryMax=infinity")

    sleeper = submit("import time; time.sleep(3); print('to the end')")
    running(sleeper)
    systemctl("stop", "coderun")
    expect("nothing of the service is left", leaves(), 0)
    systemctl("start", "coderun")
    until_ready()
    ended = final(sleeper)
    expect("a stop lets programs end", (ended["verdict"], ended["attempts"]), ("accepted", 1))

    sleeper = submit("import time; time.sleep(3); print('again')")
    running(sleeper)
    systemctl("kill", "--kill-who=main", "--signal=KILL", "coderun")
    until("systemd starts the service again", lambda: show("NRestarts") == "1")
    until_ready()
    ended = final(sleeper)
    expect("what a killed service ran is run again", (ended["output"], ended["attempts"]), ("again\n", 2))
    until("the groups of the killed service are gone", lambda: leaves() == 1)
    systemctl("stop", "coderun")
    expect("it stops", show("Result"), "success")


main()
