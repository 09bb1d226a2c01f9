import csv
import os
import pathlib
import shutil
import tempfile

with open("marks.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["name", "mark"])
    writer.writerows([["Ada", 95], ["Grace", 91]])
with open("marks.csv") as file:
    for row in csv.DictReader(file):
        print(row["name"], int(row["mark"]) + 1)
with open("marks.csv", "a") as file:
    file.write("Alan,88\n")
print(sum(1 for _ in open("marks.csv")), "lines,", os.path.getsize("marks.csv"), "bytes")

folder = pathlib.Path("notes/2026")
folder.mkdir(parents=True)
(folder / "a.txt").write_text("äöü\n", encoding="utf-8")
(folder / "b.bin").write_bytes(bytes(range(256)))
os.rename(folder / "a.txt", folder / "c.txt")
print(sorted(str(path) for path in pathlib.Path("notes").rglob("*")))
for root, folders, files in os.walk("notes"):
    print(root, folders, sorted(files))
shutil.rmtree("notes")
print(os.path.exists("notes"))

with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile(dir=folder) as file:
    file.write(b"x" * 1000)
    file.flush()
    print(os.stat(file.name).st_size)
try:
    open("missing.txt")
except FileNotFoundError as error:
    print(error)
print(os.path.expanduser("~") == os.getcwd(), os.access(".", os.W_OK))
