#include <algorithm>
#include <array>
#include <iostream>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

template <typename T> class Stack {
    std::vector<T> items_;

public:
    void push(T item) { items_.push_back(std::move(item)); }
    std::optional<T> pop() {
        if (items_.empty()) return std::nullopt;
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }
};
template <typename T, typename = std::enable_if_t<std::is_arithmetic_v<T>>> T largest(std::initializer_list<T> items) { return *std::max_element(items.begin(), items.end()); }
template <typename T> std::string_view kind(const T &) {
    if constexpr (std::is_integral_v<T>) return "integer";
    else if constexpr (std::is_floating_point_v<T>) return "floating";
    else return "other";
}
template <typename... T> void print(const T &...parts) { ((std::cout << parts << ' '), ...); std::cout << '\n'; }
template <class... F> struct Overloaded : F... { using F::operator()...; };
template <class... F> Overloaded(F...) -> Overloaded<F...>;

int main() {
    Stack<std::string> stack;
    stack.push("one");
    auto popped = stack.pop();
    print(popped.value_or("none"), stack.pop().value_or("none"), largest({3, 9, 4}), largest({1.5, 0.5}));
    print(kind(1), kind(1.5f), kind("x"), sizeof(std::array<short, 5>));
    std::vector<std::variant<int, double, std::string>> mixed{1, 2.5, "three"};
    for (const auto &item : mixed)
        std::visit(Overloaded{[](int n) { print("int", n); }, [](double d) { print("double", d); }, [](const std::string &s) { print("text", s); }}, item);
    auto [a, b, c] = std::tuple(1, 'x', 2.5);
    print(a, b, c, std::is_same_v<decltype(b), char>, __cplusplus >= 201703L);
}
