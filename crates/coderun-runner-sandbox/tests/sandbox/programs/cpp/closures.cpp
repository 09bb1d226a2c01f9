#include <functional>
#include <iostream>
#include <map>
#include <vector>

auto counter() { return [count = 0]() mutable { return ++count; }; }
std::function<int(int)> compose(std::function<int(int)> f, std::function<int(int)> g) { return [=](int x) { return f(g(x)); }; }
int main() {
    auto one = counter(), two = counter();
    one();
    std::cout << one() << two() << ' ' << compose([](int x) { return x + 1; }, [](int x) { return x * 2; })(5) << '\n';
    int total = 0;
    std::vector<int> numbers{1, 2, 3, 4};
    for (int n : numbers) [&total](int x) { total += x; }(n);
    std::vector<std::function<int()>> later;
    for (int i = 0; i < 3; ++i) later.push_back([i] { return i * i; });
    for (auto &f : later) std::cout << f() << ' ';
    std::map<std::string, std::function<double(double, double)>> table{{"+", std::plus<>()}, {"*", std::multiplies<>()}, {"-", [](double a, double b) { return a - b; }}};
    std::cout << total << ' ' << table["*"](6, 7) << ' ' << table["-"](1, 2) << '\n';
    auto add = [](auto a, auto b) { return a + b; };
    std::cout << add(1, 2) << add(std::string("a"), "b") << ' ' << std::bind(add, std::placeholders::_1, 10)(5) << '\n';
}
