#include <iostream>
#include <vector>

int main() {
    std::cout << "before" << std::endl;
    std::vector<std::vector<int>> kept;
    for (;;) kept.emplace_back(1 << 20, 7);
}
