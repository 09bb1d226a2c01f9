#include <iostream>

int main() {
    int total = 0;
    for (int number; std::cin >> number;) total += number;
    std::cout << total << "\n";
}
