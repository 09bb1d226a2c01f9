import base64
import hashlib
import json
import re
import textwrap
import unicodedata
from decimal import Decimal
from fractions import Fraction

text = '{"name": "Zoë", "tags": ["a", "b"], "nested": {"pi": 3.14, "none": null, "yes": true}}'
data = json.loads(text)
data["tags"].append("c")
print(json.dumps(data, ensure_ascii=False, sort_keys=True))
print(json.dumps({"a": [1, 2]}, indent=2))
with open("data.json", "w") as file:
    json.dump(data, file)
print(json.load(open("data.json")) == data)
try:
    json.loads("{broken}")
except json.JSONDecodeError as error:
    print(error)
print(re.findall(r"(\w+)@(\w+)\.org", "ada@maths.org, grace@navy.org"))
print(re.sub(r"\b(\w)(\w*)", lambda m: m[1].upper() + m[2], "hello wide world"))
print(hashlib.sha256(b"abc").hexdigest()[:16], base64.b64encode(b"hello").decode())
print(unicodedata.name("ß"), len("👩‍🚀"), "straße".upper(), "{:>8.3f}|{:<5}|{:^7}".format(2.5, "ab", "mid"))
print(textwrap.fill("the quick brown fox jumps over the lazy dog", 20))
print(0.1 + 0.2, Decimal("0.1") + Decimal("0.2"), Fraction(1, 3) + Fraction(1, 6), 2**200 % 1_000_007)
