#include <iostream>

long long fibonacci(int n) {
    return fibonacci(n - 1) + fibonacci(n - 2);
}

int main() {
    std::cout << fibonacci(10) << '\n';
}
