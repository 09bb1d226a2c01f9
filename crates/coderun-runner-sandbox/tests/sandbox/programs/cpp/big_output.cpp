#include <iostream>

int main() {
    std::ios::sync_with_stdio(false);
    for (int i = 0; i < 100000; ++i) std::cout << i << '\n';
}
