from __future__ import annotations

import abc
import dataclasses
import enum
import math


class Shape(abc.ABC):
    count = 0

    def __init__(self):
        Shape.count += 1

    @abc.abstractmethod
    def area(self) -> float: ...

    def __lt__(self, other):
        return self.area() < other.area()

    def __repr__(self):
        return f"{type(self).__name__}({self.area():.2f})"


class Circle(Shape):
    def __init__(self, radius):
        super().__init__()
        self._radius = radius

    @property
    def radius(self):
        return self._radius

    @radius.setter
    def radius(self, value):
        if value < 0:
            raise ValueError("a radius is not negative")
        self._radius = value

    def area(self):
        return math.pi * self.radius**2


class Square(Shape):
    def __init__(self, side):
        super().__init__()
        self.side = side

    def area(self):
        return self.side**2


@dataclasses.dataclass(order=True, frozen=True)
class Point:
    x: int
    y: int = 0

    def __add__(self, other: Point) -> Point:
        return Point(self.x + other.x, self.y + other.y)


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


print(sorted([Square(3), Circle(1), Square(1)]), Shape.count)
circle = Circle(2)
try:
    circle.radius = -1
except ValueError as error:
    print(error)
try:
    Shape()
except TypeError as error:
    print("abstract" in str(error))
print(Point(1, 2) + Point(3), Point(1) < Point(1, 1), {Point(1): "one"}[Point(1)])
print(list(Colour), Colour["RED"].value, isinstance(circle, Shape))
