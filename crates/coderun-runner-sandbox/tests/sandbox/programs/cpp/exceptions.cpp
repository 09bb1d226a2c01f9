#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

struct TooPoor : std::runtime_error {
    int missing;
    explicit TooPoor(int missing) : std::runtime_error(std::to_string(missing) + " missing"), missing(missing) {}
};
struct Guard {
    std::string name;
    ~Guard() { std::cout << "leaving " << name << '\n'; }
};
int pay(int balance, int price) {
    Guard guard{"pay"};
    if (price > balance) throw TooPoor(price - balance);
    return balance - price;
}
int main() {
    try {
        std::cout << pay(5, 3) << '\n';
        pay(3, 5);
    } catch (const TooPoor &error) {
        std::cout << error.what() << ' ' << error.missing << '\n';
    }
    try { std::vector<int>(3).at(7) = 1; } catch (const std::out_of_range &) { std::cout << "out of range\n"; }
    try { std::stoi("abc"); } catch (const std::invalid_argument &error) { std::cout << error.what() << '\n'; }
    try { throw 42; } catch (int number) { std::cout << number << '\n'; }
    try {
        try { throw std::logic_error("inner"); } catch (...) { std::throw_with_nested(std::runtime_error("outer")); }
    } catch (const std::exception &error) {
        std::cout << error.what();
        try { std::rethrow_if_nested(error); } catch (const std::exception &inner) { std::cout << " of " << inner.what() << '\n'; }
    }
    std::cout << std::numeric_limits<int>::max() << std::endl;
    pay(1, 2);
}
