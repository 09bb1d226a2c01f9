#include <cstdint>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

std::uint64_t fibonacci(int n) {
    static std::map<int, std::uint64_t> known;
    if (n < 2) return n;
    if (auto at = known.find(n); at != known.end()) return at->second;
    return known[n] = fibonacci(n - 1) + fibonacci(n - 2);
}
int ackermann(int m, int n) { return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
template <int N> struct Factorial { static constexpr long value = N * Factorial<N - 1>::value; };
template <> struct Factorial<0> { static constexpr long value = 1; };
template <typename... T> auto sum(T... parts) { return (parts + ...); }
constexpr int power(int base, int exponent) { return exponent == 0 ? 1 : base * power(base, exponent - 1); }

int main() {
    static_assert(power(2, 10) == 1024);
    std::function<void(std::string, int, int)> brackets = [&](std::string text, int open, int closed) {
        if (open == 0 && closed == 0) std::cout << text << ' ';
        if (open > 0) brackets(text + '(', open - 1, closed);
        if (closed > open) brackets(text + ')', open, closed - 1);
    };
    brackets("", 3, 3);
    std::cout << '\n' << fibonacci(90) << ' ' << ackermann(2, 300) << ' ' << Factorial<15>::value << ' ' << sum(1, 2.5, 3) << '\n';
    std::vector<std::vector<int>> grid(9, std::vector<int>(9));
    std::function<int(int, int)> paths = [&](int x, int y) -> int {
        if (x == 8 && y == 8) return 1;
        if (x > 8 || y > 8) return 0;
        return grid[x][y] ? grid[x][y] : grid[x][y] = paths(x + 1, y) + paths(x, y + 1);
    };
    std::cout << paths(0, 0) << '\n';
}
