#include <iostream>
#include <limits>
#include <string>
#include <vector>

int main() {
    std::string name;
    int age = 0;
    std::cout << "What is your name? ";
    std::getline(std::cin, name);
    std::cout << "How old are you? ";
    while (!(std::cin >> age)) {
        std::cin.clear();
        std::cin.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
        std::cout << "A number, please: ";
    }
    std::cout << "Hello " << name << ", next year you are " << age + 1 << ".\n";
    std::vector<int> numbers;
    for (int n; std::cin >> n;) numbers.push_back(n);
    std::cout << numbers.size() << ' ' << std::cin.eof() << '\n';
}
