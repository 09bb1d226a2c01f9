#include <iostream>
#include <vector>

int main() {
    std::vector<int> numbers{1, 2, 3};
    for (std::size_t i = 0; i <= numbers.size(); i++) {
        std::cout << numbers.at(i) << '\n';
    }
}
