#include <iostream>
#include <string>

int main() {
    std::string word;
    std::cin >> word;
    std::cout << std::stoi(word) * 2 << '\n';
}
