#include <cmath>
#include <iomanip>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

class Shape {
public:
    Shape() { ++count; }
    virtual ~Shape() { --count; }
    virtual double area() const = 0;
    virtual std::string name() const { return "shape"; }
    static inline int count = 0;
};
class Circle final : public Shape {
    double radius_;

public:
    explicit Circle(double radius) : radius_(radius) {}
    double area() const override { return M_PI * radius_ * radius_; }
    std::string name() const override { return "circle"; }
};
class Square : public Shape {
    double side_;

public:
    explicit Square(double side) : side_(side) {}
    double area() const override { return side_ * side_; }
};
struct Fraction {
    int top, bottom;
    friend Fraction operator+(Fraction a, Fraction b) { return {a.top * b.bottom + b.top * a.bottom, a.bottom * b.bottom}; }
    friend std::ostream &operator<<(std::ostream &out, Fraction f) { return out << f.top << '/' << f.bottom; }
    bool operator==(const Fraction &other) const { return top * other.bottom == other.top * bottom; }
    explicit operator double() const { return double(top) / bottom; }
};
class Buffer {
    std::unique_ptr<int[]> data_;
    std::size_t size_;

public:
    explicit Buffer(std::size_t size) : data_(new int[size]()), size_(size) { std::cout << "made "; }
    Buffer(const Buffer &other) : Buffer(other.size_) { std::cout << "copied "; }
    Buffer(Buffer &&other) noexcept : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) { std::cout << "moved "; }
    ~Buffer() { std::cout << "gone(" << size_ << ") "; }
    int &operator[](std::size_t at) { return data_[at]; }
};
int main() {
    {
        std::vector<std::unique_ptr<Shape>> shapes;
        shapes.push_back(std::make_unique<Circle>(2));
        shapes.push_back(std::make_unique<Square>(3));
        for (const auto &shape : shapes) std::cout << shape->name() << ' ' << std::fixed << std::setprecision(2) << shape->area() << '\n';
        std::cout << Shape::count << ' ' << (dynamic_cast<Circle *>(shapes[1].get()) == nullptr) << '\n';
    }
    std::cout << Shape::count << ' ' << Fraction{1, 2} + Fraction{1, 3} << ' ' << (Fraction{1, 2} == Fraction{2, 4}) << ' ' << double(Fraction{3, 4}) << '\n';
    auto shared = std::make_shared<int>(5);
    std::weak_ptr<int> weak = shared;
    std::cout << shared.use_count() << ' ';
    shared.reset();
    std::cout << weak.expired() << '\n';
    Buffer one(3);
    Buffer two = one, three = std::move(one);
    two[1] = 4;
    std::cout << two[1] << '\n';
}
