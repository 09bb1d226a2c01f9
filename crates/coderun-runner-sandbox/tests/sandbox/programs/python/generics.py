from collections import Counter, defaultdict, deque, namedtuple
from typing import Callable, Generic, Iterable, Protocol, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Stack(Generic[T]):
    def __init__(self) -> None:
        self._items: list[T] = []

    def push(self, item: T) -> None:
        self._items.append(item)

    def pop(self) -> T:
        return self._items.pop()

    def __len__(self) -> int:
        return len(self._items)


class Speaks(Protocol):
    def speak(self) -> str: ...


class Dog:
    def speak(self) -> str:
        return "woof"


def chorus(animals: Iterable[Speaks]) -> str:
    return " ".join(animal.speak() for animal in animals)


def map_all(function: Callable[[T], U], items: Iterable[T]) -> list[U]:
    return [function(item) for item in items]


stack: Stack[int] = Stack()
for number in range(3):
    stack.push(number)
print(stack.pop(), len(stack), chorus([Dog(), Dog()]), map_all(str, [1, 2]))
print(Counter("mississippi").most_common(2))
groups = defaultdict(list)
for word in ["apple", "avocado", "banana"]:
    groups[word[0]].append(word)
print(dict(groups), deque([1, 2, 3], maxlen=2), namedtuple("Pair", "a b")(1, 2))
match {"kind": "point", "at": [1, 2]}:
    case {"kind": "point", "at": [x, y]}:
        print(x + y)
